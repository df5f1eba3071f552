import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Semaphore from "effect/Semaphore"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import * as Spans from "../base/tracing/Spans.ts"
import { Attempts } from "../ports/Attempts.ts"
import { Codec } from "../ports/Codec.ts"
import { cursorName } from "../ports/CursorName.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import { EntryIds } from "../ports/EntryIds.ts"
import { EventLog } from "../ports/EventLog.ts"
import { Members } from "../ports/Members.ts"
import { retryStore } from "../ports/retryStore.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { StoreHealth } from "../ports/StoreHealth.ts"
import { StoreTrouble } from "../ports/StoreTrouble.ts"
import type { Transport } from "../ports/Transport.ts"
import { CurrentCatalog } from "../select/Catalog.ts"
import type { Destination } from "../select/Destination.ts"
import { hashWith } from "../select/Fields.ts"
import { Dispatcher } from "./Dispatcher.ts"
import * as Assignment from "./dispatcher/assignment.ts"
import * as AttemptRecords from "./dispatcher/attemptQueue.ts"
import * as DeliveryMeters from "./dispatcher/deliveryMeters.ts"
import { DeliveryWatch } from "./dispatcher/deliveryWatch.ts"
import * as DestinationRecords from "./dispatcher/destinationRecords.ts"
import * as Halts from "./dispatcher/halts.ts"
import * as Sweeping from "./dispatcher/housekeeping.ts"
import * as LaneSet from "./dispatcher/laneSet.ts"
import * as Ownership from "./dispatcher/lease.ts"
import * as Recollection from "./dispatcher/recollection.ts"
import * as Roster from "./dispatcher/registry.ts"
import * as Changes from "./dispatcher/signals.ts"
import * as AlertOptions from "./health/AlertOptions.ts"
import * as Alerting from "./health/alerting.ts"
import * as Herald from "./health/Herald.ts"
import * as LagWatch from "./health/lagWatch.ts"
import * as StoreWatch from "./health/storeWatch.ts"
import * as Ledger from "./Ledger.ts"
import * as HeadReader from "./read/HeadReader.ts"
import { Steering } from "./Steering.ts"
import * as Sender from "./send/Sender.ts"
import type { SinkKind } from "./send/SinkKind.ts"
import { webhook } from "./send/webhook.ts"

/** After destinations could not be begun with, unless something asks for that before. */
const assignAgainAfter = Duration.seconds(5)

export interface DispatcherOptions {
  /**
   * The same in every process that delivers from a store: lanes are dealt among all of them, also
   * to one that does not know the destination yet.
   */
  readonly destinations: ReadonlyArray<Destination>
  /** Kinds of destinations besides webhooks. */
  readonly sinks?: ReadonlyArray<SinkKind>
  /** What `fields.hash` hashes with, the same in the whole installation. */
  readonly hashKey?: Uint8Array
  /** How long entries behind every cursor are kept for replay. 3 days: a long weekend. */
  readonly keepFor?: Duration.Input
  /** How much of the log, in bytes as stored, is held parsed for the lanes near the head. 8 MiB. */
  readonly ringBytes?: number
  /** Where alerts are sent. */
  readonly alerts?: AlertOptions.AlertConfig
  readonly onAlert?: AlertOptions.OnAlert
}

/** As old as an event that waits may be, where nobody says otherwise, in ms. */
const lagAllowed = Duration.toMillis("15 minutes")

/** Opens the webhook that gets alerts. */
const alertingOf = Effect.fnUntraced(function* ({ alerts, onAlert }: DispatcherOptions) {
  const codec = yield* Codec
  const sink =
    alerts === undefined
      ? null
      : yield* Effect.mapError(
          webhook.open(AlertOptions.receiverOf(alerts)),
          ({ problems }) =>
            new InvalidOptions({
              problems: problems.map(({ path, message }) => ({ path: `alerts.${path}`, message })),
            }),
        )
  return yield* Alerting.make({ config: alerts ?? null, sink, onAlert, codec })
})

/**
 * Runs the lanes of all destinations: reads the log's head once for all of them, and keeps and
 * trims the log.
 *
 * Where several processes can deliver from a store, each runs a part of the lanes: one
 * destination's on one partition, with its replays, is dealt as one. A process that ends, stands
 * still or is cut off is replaced within 10 seconds, and starts no attempt once its lease of 6
 * seconds has ended; what it had in flight is sent again. What one process is told, the others
 * follow within 2 seconds, the time from one beat to the next.
 */
export const layer = (
  options: DispatcherOptions,
): Layer.Layer<
  Dispatcher | Steering,
  InvalidOptions | StoreError,
  EventLog | Cursors | DeadLetters | Attempts | Destinations | Members | StoreHealth | Transport | Codec
> => Layer.effectContext(make(options))

const make = Effect.fnUntraced(function* (options: DispatcherOptions) {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const deadLetters = yield* DeadLetters
  const attempts = yield* Attempts
  const destinations = yield* Destinations
  const members = yield* Members
  const codec = yield* Codec
  const catalog = yield* CurrentCatalog
  const nextId = yield* EntryIds
  const trouble = yield* StoreTrouble
  const { hashKey } = options
  const keepFor = Duration.toMillis(Duration.fromInputUnsafe(options.keepFor ?? "3 days"))
  const hash = hashKey === undefined ? null : hashWith(codec, hashKey)
  const ports = { log, cursors, destinations }

  // Before anything is changed that another one works on.
  yield* members.claim ?? Effect.void

  /** Other lanes than those that run may be this process's to run. */
  const due = Latch.makeUnsafe(false)
  const lookAgain = () => {
    due.openUnsafe()
  }
  const lost = Deferred.makeUnsafe<StoreError>()
  const ownership = members.shared
    ? yield* Ownership.join(members, nextId(), lookAgain, (error) =>
        Deferred.doneUnsafe(lost, Effect.succeed(error)),
      )
    : Ownership.sole

  let draining = false
  const changes = Changes.make()
  const halts = Halts.make()
  const readers: Array<HeadReader.HeadReader> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    readers.push(
      yield* HeadReader.make({
        ...{ log, partition },
        ringBytes: options.ringBytes ?? 8 * 1024 * 1024,
        onRead: changes.noteRead,
        onHalt: (error, detail) => {
          if (error !== null) trouble.note(error)
          return halts.note({ error, detail })
        },
      }),
    )
  }
  const attemptRecords = AttemptRecords.make(attempts, changes.note)
  const watch = new DeliveryWatch()
  const spans = yield* Spans.make
  const meters = DeliveryMeters.make(yield* Metric.MetricRegistry)
  const recollection = Recollection.make(ports, (id) => roster.isConfigured(id))
  const waiting = Effect.map(
    Ledger.read(ports),
    (rows) => new Map(rows.map(({ id, pending }) => [id, pending])),
  )
  const alerting = yield* alertingOf(options)
  const herald = yield* Herald.make(waiting, alerting)
  yield* StoreWatch.make(yield* StoreHealth, trouble, herald.found)
  const lanes = yield* LaneSet.make({
    ...ports,
    deadLetters,
    readers,
    halts,
    draining: () => draining,
    onChange: changes.note,
    onLanesDue: lookAgain,
    onForgotten: recollection.note,
    herald,
  })
  const roster = yield* Roster.make({
    configured: options.destinations,
    destinations,
    hashKey,
    hash,
    catalog,
    kinds: [webhook, ...(options.sinks ?? [])],
    senderOf: (destination, sink) =>
      Sender.make(
        destination,
        codec,
        sink,
        (attempt, { limited, receivedAt }) => {
          watch.attempted(attempt, limited)
          meters.attempted(attempt, receivedAt)
          attemptRecords.add(attempt)
        },
        () => (members.shared ? lanes.shareOf(destination.id) : 1),
        herald.of(destination.id),
        spans,
      ),
  })
  // Not before all of them can be run: a start that fails changes nothing.
  yield* DestinationRecords.agree(destinations, options.destinations)
  const assign = Assignment.make({ ...ports, roster, lanes, ownership, recollection })

  /** What changes lanes is done one thing after the other. */
  const acting = Semaphore.makeUnsafe(1)
  const sparingly = makeSparingly()
  /** Where nobody beats nothing else would lead to another try. */
  const notAssigned = Effect.fnUntraced(function* (reason: string) {
    yield* sparingly(
      Effect.logWarning("destinations could not be begun with, and will be tried again", reason),
    )
    yield* Effect.timeoutOption(due.await, assignAgainAfter)
    lookAgain()
  })
  const assigning = Effect.gen(function* () {
    yield* due.await
    due.closeUnsafe()
    yield* acting.withPermits(1)(assign)
  }).pipe(
    Effect.catchTag("StoreError", (error) => notAssigned(error.message)),
    Effect.catchDefect((defect) => notAssigned(defectSummary(Cause.die(defect)))),
  )
  yield* acting.withPermits(1)(assign)
  due.closeUnsafe()
  const sweeping = Sweeping.make({ ...ports, roster, lanes, attemptRecords, changes, keepFor, trouble })
  if (alerting.wants("lag")) {
    const isTold = (id: string): boolean =>
      [...lanes.running.values()].some(({ known, replay }) => replay === null && known.destination.id === id)
    yield* LagWatch.make({
      stirred: changes.stirred,
      oldest: Ledger.oldestPending(ports, isTold),
      allowed: options.alerts?.lag ?? lagAllowed,
      isTold,
      // Those who ask for alerts of lag alone would hear of nothing otherwise.
      isFailing: (id) => alerting.tells("failing") && herald.isFailing(id),
      announce: herald.found,
    })
  }
  const sweeper = yield* Effect.forkScoped(sweeping.forever)
  // Runs before the fibers above are interrupted: finalizers run in reverse order.
  yield* Effect.addFinalizer(() => Effect.andThen(Fiber.interrupt(sweeper), sweeping.once))
  yield* Effect.forkScoped(Effect.forever(assigning))

  /**
   * Whether one of a destination's partitions is this process's to run, nobody else's any more, and
   * does not run.
   */
  const lacksLane = (id: string): boolean => {
    for (let partition = 0; partition < log.partitions; partition++) {
      const name = cursorName({ destination: id, partition, replay: null })
      if (!ownership.isMine(name) || !ownership.isFree(name)) continue
      if (lanes.running.get(name)?.tenure.holds() !== true) return true
    }
    return false
  }

  const isAtRest = Effect.gen(function* () {
    for (let partition = 0; partition < log.partitions; partition++) {
      const { head } = yield* log.bounds(partition)
      for (const { lane, ...where } of lanes.running.values()) {
        if (where.partition !== partition || where.replay !== null) continue
        const { idle, waiting, place } = lane.status()
        if (!waiting && !(idle && place >= head)) return false
      }
    }
    return true
  })

  const sendPending = Effect.gen(function* () {
    draining = true
    for (const { lane } of lanes.running.values()) lane.wake()
    for (;;) {
      changes.progress.closeUnsafe()
      if (yield* retryStore(isAtRest)) return
      yield* changes.progress.await
    }
  }).pipe(Effect.ignore)

  const releaseAll = acting.withPermits(1)(
    Effect.suspend(() =>
      Effect.forEach([...lanes.running.keys()], lanes.release, { concurrency: "unbounded", discard: true }),
    ),
  )

  const drain = Effect.suspend(() =>
    ownership.hasOthers()
      ? Effect.as(ownership.leave(releaseAll), "handed-over" as const)
      : Effect.as(sendPending, "drained" as const),
  )

  const leaveLanes = (ids: ReadonlyArray<string>) =>
    Effect.forEach(
      [...lanes.running].flatMap(([name, { known }]) => (ids.includes(known.destination.id) ? [name] : [])),
      lanes.release,
      { concurrency: "unbounded", discard: true },
    )

  const reconfigure = (configured: ReadonlyArray<Destination>, sinks: ReadonlyArray<SinkKind> | null) =>
    acting.withPermits(1)(
      Effect.uninterruptible(
        Effect.gen(function* () {
          const report = yield* roster.reconfigure(
            configured,
            sinks === null ? null : [webhook, ...sinks],
            leaveLanes,
          )
          yield* DestinationRecords.agree(destinations, configured)
          yield* assign
          changes.note()
          return report
        }),
      ),
    )

  const undelivered = Effect.map(destinations.list, (records) => {
    const off = new Set(records.filter(({ disabled }) => disabled !== null).map(({ id }) => id))
    return [...roster.all.values()]
      .filter(({ destination: { id, enabled } }) => enabled && !off.has(id))
      .map(({ destination: { id } }) => id)
      .filter((id) => lacksLane(id))
  })

  const service = { undelivered, halted: halts.current, lost: Deferred.await(lost), drain, reconfigure }
  return Context.make(Dispatcher, service).pipe(
    Context.add(Steering, {
      roster,
      lanes,
      acting,
      watch,
      meters,
      active: changes.active,
      herald,
      keepFor,
      assign: Effect.tap(assign, () => Effect.sync(changes.note)),
    }),
  )
})
