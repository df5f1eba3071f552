/**
 * What an operator's actions see that only look on: what flows, what arrives, where an event is.
 * One of it in each process: what several views show is found out once for all of them, and nothing
 * is done for it while nobody looks.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { once } from "../../base/once.ts"
import type { UnknownDestination } from "../../deliver/UnknownDestination.ts"
import { Attempts } from "../../ports/Attempts.ts"
import { Counters } from "../../ports/Counters.ts"
import { cursorName } from "../../ports/CursorName.ts"
import { Cursors } from "../../ports/Cursors.ts"
import { DeadLetters } from "../../ports/DeadLetters.ts"
import { Destinations } from "../../ports/Destinations.ts"
import { EventLog } from "../../ports/EventLog.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { StoreHealth } from "../../ports/StoreHealth.ts"
import type { Service } from "../Action.ts"
import { readRows } from "../ledgerRows.ts"
import { NotDelivering, TooManyViews } from "../OperatorError.ts"
import type { eventRows } from "../rows/events.ts"
import type { historyRows } from "../rows/history.ts"
import type { Frame, StatusNow, Streamed, streamRows } from "../rows/stream.ts"
import { isNarrow } from "./eventQuery.ts"
import type { Marked } from "./eventRow.ts"
import { findEvents } from "./findEvents.ts"
import { destinationHistory, intakeHistory } from "./histories.ts"
import { LedgerPast } from "./LedgerPast.ts"
import * as LiveTail from "./LiveTail.ts"
import { listNames } from "./names.ts"
import type { Process } from "./Process.ts"
import * as Status from "./StatusNow.ts"
import { trace } from "./trace.ts"
import { Slot, told, whileWatched } from "./Views.ts"

/** Views of one process: as many people as look at a server at once, on a bad day. */
const maxViews = 500

/** Different things that narrowed views of one process look for. */
const maxQueries = 50

/** Reads anew what nobody has read for so long (ms). */
const freshFor = 2_000

const minute = 60_000

export interface LookingService extends Service<typeof streamRows & typeof eventRows & typeof historyRows> {}

/** What several views are told is one value, so that it can be written once. */
const stated = once((status: StatusNow): Streamed => ({ status }))

const framed = once((frame: Frame): Streamed => ({ frame }))

/** What the process that runs on the store adds to what the store says. */
const makeSight = Effect.fnUntraced(function* (process: Process, jobs: Effect.Effect<StatusNow["jobs"]>) {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const destinations = yield* Destinations
  const deadLetters = yield* DeadLetters
  const health = yield* StoreHealth
  const ports = { log, cursors, destinations }
  const { roster, lanes, watch, active } = process.steering
  const past = new LedgerPast()

  const isProbing = (id: string): boolean => roster.all.get(id)?.sender.circuit() === "half-open"
  const rows = yield* fresh(
    Effect.tap(readRows(ports, isProbing), (read) =>
      Effect.map(Clock.currentTimeMillis, (at) => past.note(at, read)),
    ),
  )

  const listed = yield* fresh(
    Effect.map(cursors.list, (all) => new Map(all.map(({ name, record }) => [name, record?.position]))),
  )
  /** Known at once for lanes that run here, and as of late for the others. */
  const positions = Effect.gen(function* () {
    const found: Record<string, Array<string>> = {}
    const elsewhere: Array<readonly [name: string, id: string, partition: number]> = []
    for (const id of roster.all.keys()) {
      found[id] = []
      for (let partition = 0; partition < log.partitions; partition++) {
        const name = cursorName({ destination: id, partition, replay: null })
        const lane = lanes.running.get(name)?.lane
        if (lane === undefined) elsewhere.push([name, id, partition])
        found[id].push(lane?.status().stands.position ?? "")
      }
    }
    if (elsewhere.length === 0) return found
    const stored = yield* listed
    for (const [name, id, partition] of elsewhere) found[id]![partition] = stored.get(name) ?? ""
    return found
  })

  const marked = (): ReadonlyArray<Marked> =>
    [...roster.all.values()]
      .map(({ destination: { id }, selection }) => ({ id, selection }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))

  const live = LiveTail.make({
    ...{ log, deadLetters, cursors: positions, marked },
    died: () => {
      let dead = 0
      for (const { lane, replay } of lanes.running.values())
        if (replay === null) dead += lane.status().state.dead
      return dead
    },
    rejected: () => process.ingest.watch.rejectedCount,
  })
  const tail = yield* whileWatched(
    Effect.ignore(live.begin),
    Effect.forever(Effect.andThen(Effect.sleep(LiveTail.frameEvery), Effect.ignore(live.frame))),
  )

  const status = Status.make({
    ...{ log, health, deadLetters, process, past, rows },
    jobs,
  })
  const statuses = new Set<Slot<StatusNow>>()
  let latest: StatusNow | null = null
  const tellStatus = Effect.map(status, (now) => {
    latest = now
    for (const slot of statuses) slot.put(now)
  })
  const ticking = yield* whileWatched(
    Effect.sync(() => {
      latest = null
    }),
    Effect.forever(Effect.andThen(tellStatus, Effect.sleep(Status.statusEvery))),
  )

  const statusView = Stream.suspend(() => {
    const slot = new Slot<StatusNow>()
    const enter = Effect.suspend(() => {
      statuses.add(slot)
      // Others look already, and there may be 2 s until the next.
      if (latest !== null) slot.put(latest)
      return ticking.enter
    })
    const leave = Effect.suspend(() => {
      statuses.delete(slot)
      return ticking.leave
    })
    return Stream.map(told(slot, { enter, leave }), ([now]) => stated(now))
  })

  const isRoomFor = (sight: LiveTail.Sight): Effect.Effect<void, TooManyViews> => {
    if (live.views.size >= maxViews) return Effect.fail(new TooManyViews({ most: maxViews }))
    const queries = live.queries()
    const isNew = sight._tag === "Narrowed" && !queries.has(sight.key)
    return isNew && queries.size >= maxQueries
      ? Effect.fail(new TooManyViews({ most: maxQueries }))
      : Effect.void
  }

  const liveView = (sight: LiveTail.Sight): Stream.Stream<Streamed> =>
    Stream.suspend(() => {
      const view: LiveTail.View = { sight, slot: new Slot<Frame>(), isFresh: true }
      const enter = Effect.suspend(() => {
        live.views.add(view)
        return tail.enter
      })
      const leave = Effect.suspend(() => {
        live.views.delete(view)
        return tail.leave
      })
      return Stream.map(told(view.slot, { enter, leave }), ([frame, missed]) =>
        framed(missed === 0 ? frame : { ...frame, missed }),
      )
    })

  /** At the end of each minute in which something has happened. */
  const sample = Effect.gen(function* () {
    const at = Math.max((yield* Clock.currentTimeMillis) - 1, process.startedAt)
    const read = yield* rows
    const ids = new Set(read.map(({ id }) => id))
    watch.retain((id) => ids.has(id))
    for (const row of read) watch.sampled(row.id, row, at)
  })
  const sampling = Effect.gen(function* () {
    if (!active.isOpen()) {
      yield* active.await
      past.woke(yield* Clock.currentTimeMillis)
    }
    active.closeUnsafe()
    const now = yield* Clock.currentTimeMillis
    yield* Effect.sleep(minute - (now % minute))
    yield* Effect.ignore(sample)
  })
  yield* Effect.forkScoped(Effect.andThen(Effect.ignore(sample), Effect.forever(sampling)))

  return { process, past, sample, statusView, liveView, isRoomFor, marked }
})

/** Reads at most so often, whoever asks. */
const fresh = <A, E>(read: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>> =>
  Effect.sync(() => {
    const gate = Semaphore.makeUnsafe(1)
    let kept: { readonly at: number; readonly value: A } | null = null
    return gate.withPermits(1)(
      Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        if (kept !== null && at >= kept.at && at - kept.at < freshFor) return kept.value
        const value = yield* read
        kept = { at, value }
        return value
      }),
    )
  })

/**
 * @param process `null` where nothing runs: then there is what the store says
 * @param find fails for a destination that is not known
 */
export const make = Effect.fnUntraced(function* (
  process: Process | null,
  find: (id: string) => Effect.Effect<unknown, UnknownDestination | StoreError>,
  jobs: Effect.Effect<StatusNow["jobs"]>,
) {
  const sight = process === null ? null : yield* makeSight(process, jobs)
  const log = yield* EventLog
  const counters = yield* Counters
  const ports = {
    ...{ log, cursors: yield* Cursors, deadLetters: yield* DeadLetters },
    ...{ destinations: yield* Destinations, attempts: yield* Attempts },
  }

  const service: LookingService = {
    stream: Effect.fnUntraced(function* ({ topics, live = {} }) {
      if (sight === null) return yield* new NotDelivering()
      const asked = new Set(topics)
      const views: Array<Stream.Stream<Streamed>> = []
      if (asked.has("status")) views.push(sight.statusView)
      if (asked.has("live")) {
        const { rejected = false, ...query } = live
        const seen = LiveTail.sightOf(isNarrow(query) ? query : null, rejected)
        yield* sight.isRoomFor(seen)
        views.push(sight.liveView(seen))
      }
      return views.length === 1 ? views[0]! : Stream.mergeAll(views, { concurrency: "unbounded" })
    }),

    findEvents: (search) => findEvents(log, search, sight?.marked() ?? []),

    event: (which) => trace(ports, sight, which),

    intakeHistory: ({ range }) =>
      intakeHistory(counters, process?.ingest.watch ?? null, process?.startedAt ?? null, range),

    destinationHistory: Effect.fnUntraced(function* ({ id, range }) {
      yield* find(id)
      const now = yield* Clock.currentTimeMillis
      // What the store does not tell now is told by the next look.
      if (sight !== null) yield* Effect.ignore(sight.sample)
      const past = process?.steering.watch.show(id, range, now) ?? null
      return destinationHistory(past, process?.startedAt ?? now, range, now)
    }),

    names: (query) => Effect.andThen(process?.ingest.countNames ?? Effect.void, listNames(counters, query)),

    refusals: () => Effect.succeed({ refusals: process?.ingest.watch.refusals ?? [] }),
  }
  return service
})
