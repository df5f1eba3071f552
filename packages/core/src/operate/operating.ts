import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { logMessages } from "../base/Telemetry.ts"
import * as DestinationRecords from "../deliver/dispatcher/destinationRecords.ts"
import { failUnknown } from "../deliver/UnknownDestination.ts"
import { logEvent } from "../intake/logEvent.ts"
import { Attempts } from "../ports/Attempts.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters, intake } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { EventLog } from "../ports/EventLog.ts"
import { Keys } from "../ports/Keys.ts"
import { retryStore } from "../ports/retryStore.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { attemptDetail } from "./attemptDetail.ts"
import * as CursorMove from "./cursorMove.ts"
import type { Deliverer } from "./Deliverer.ts"
import * as DryRun from "./DryRun.ts"
import { searchDeadLetters } from "./deadLetterSearch.ts"
import * as Configuring from "./destinations/configuring.ts"
import * as Jobs from "./jobs/jobs.ts"
import * as LookAfterKeys from "./keyActions.ts"
import { readRows } from "./ledgerRows.ts"
import type { OperatorPorts, OperatorService } from "./Operator.ts"
import { DestinationConfigured, NoIntake, NotReplayable } from "./OperatorError.ts"
import * as ReplayCursor from "./replayCursor.ts"
import * as Tail from "./Tail.ts"
import * as Looking from "./watch/looking.ts"
import type { Process } from "./watch/Process.ts"

/**
 * @param process takes events in, and delivers them; `null` where nothing does
 */
export const make = Effect.fnUntraced(function* (
  deliverer: Deliverer,
  process: Process | null,
): Effect.fn.Return<OperatorService, never, OperatorPorts | Scope.Scope> {
  const ingest = process?.ingest ?? null
  const jobs = yield* Jobs.make(deliverer)
  const looking = yield* Looking.make(process, deliverer.find, jobs.listed)
  const log = yield* EventLog
  const cursors = yield* Cursors
  const destinations = yield* Destinations
  const deadLetters = yield* DeadLetters
  const attempts = yield* Attempts
  const ports = { log, cursors, destinations }
  const { find, follow } = deliverer

  /** To its end once begun. */
  const change = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    deliverer.acting.withPermits(1)(Effect.uninterruptible(effect))

  /** Stops whoever works by a live cursor, partition by partition, while it is put elsewhere. */
  const move = Effect.fnUntraced(function* (
    id: string,
    put: (partition: number) => Effect.Effect<number, StoreError>,
  ) {
    yield* find(id)
    const putAll = Effect.gen(function* () {
      let events = 0
      for (let partition = 0; partition < log.partitions; partition++) {
        yield* deliverer.park(id, partition)
        events += yield* put(partition)
      }
      return { events }
    })
    const moved = yield* Effect.exit(putAll)
    yield* retryStore(follow)
    return yield* moved
  })

  /** An id may be anything still: a store is asked about texts only. */
  const isTaken = (id: unknown): Effect.Effect<boolean, StoreError> =>
    typeof id === "string" ? deliverer.isTaken(id) : Effect.succeed(false)

  const rows = readRows(ports, deliverer.isProbing)

  return {
    ...jobs.actions,
    ...Configuring.make({ deliverer, destinations, change }),
    ...looking,
    ...LookAfterKeys.make(yield* Keys, ingest),

    destinations: () => Effect.map(rows, (destinations) => ({ destinations })),

    addDestination: Effect.fnUntraced(function* ({ destination }) {
      const decoded = deliverer.decode(destination)
      const problems = [
        ...(Result.isFailure(decoded) ? decoded.failure : []),
        ...DestinationRecords.keepProblems(destination),
        ...((yield* isTaken(destination.id)) ? [DestinationRecords.idTaken] : []),
      ]
      if (problems.length > 0 || Result.isFailure(decoded)) return yield* new InvalidOptions({ problems })
      yield* DestinationRecords.keep(destinations, destination, decoded.success, { disabled: null })
      yield* follow
      return {}
    }, change),

    removeDestination: Effect.fnUntraced(function* ({ id }) {
      const record = yield* destinations.get(id)
      if (deliverer.isConfigured(id, record)) return yield* new DestinationConfigured({ id })
      if (record === null) return yield* failUnknown(destinations, id)
      yield* deliverer.stop(id)
      yield* DestinationRecords.remove(ports, id)
      yield* follow
      return {}
    }, change),

    disable: Effect.fnUntraced(function* ({ id }) {
      yield* find(id)
      const at = yield* Clock.currentTimeMillis
      yield* DestinationRecords.setDisabled(destinations, id, { at, reason: "by-hand" })
      yield* deliverer.disabled(id)
      yield* follow
      return {}
    }, change),

    enable: Effect.fnUntraced(function* ({ id }) {
      yield* find(id)
      const record = yield* destinations.get(id)
      if (record?.disabled === null) return {}
      yield* DestinationRecords.setDisabled(destinations, id, null)
      yield* deliverer.say(logMessages.destinationEnabled, { destination: id })
      yield* follow
      return {}
    }, change),

    tryNow: ({ id }) => Effect.as(change(deliverer.tryNow(id)), {}),

    rewind: ({ id, since }) =>
      change(move(id, (partition) => CursorMove.rewind(ports, id, partition, since))),

    skip: ({ id }) => change(move(id, (partition) => CursorMove.skip(ports, id, partition))),

    tryFilter: Effect.fnUntraced(function* ({ selection, ...options }) {
      const selected = deliverer.select(selection)
      if (Result.isFailure(selected)) return yield* new InvalidOptions({ problems: selected.failure })
      return yield* DryRun.run(log, selected.success, options)
    }),

    replay: Effect.fnUntraced(function* (request) {
      yield* find(request.destination)
      const replay = yield* ReplayCursor.begin(ports, request)
      yield* deliverer.say(logMessages.replayBegun, { destination: request.destination, replay })
      yield* jobs.noticed
      yield* follow
      return { replay }
    }, change),

    deadLetters: (search) => searchDeadLetters(deadLetters, search),

    replayDeadLetters: (request) =>
      request.destination === intake
        ? Effect.fail(new NotReplayable({ destination: intake }))
        : deliverer.replayDeadLetters(request),

    purgeDeadLetters: (selection) => Effect.map(deadLetters.purge(selection), (purged) => ({ purged })),

    attempts: (query) => Effect.map(attempts.list(query), (attempts) => ({ attempts })),

    attempt: (which) => attemptDetail({ log, attempts }, deliverer.selectionOf, which),

    logEvent: (event) =>
      ingest === null
        ? Effect.fail(new NoIntake())
        : Effect.map(logEvent(ingest, event), (timeUUID) => ({ timeUUID })),

    tail: Effect.fnUntraced(function* ({ destination, ...options }) {
      const selection =
        destination === undefined
          ? Result.getOrThrow(deliverer.select(Tail.everything))
          : yield* deliverer.selectionOf(destination)
      return yield* Tail.follow(log, selection, options)
    }),
  }
})
