import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type * as Stream from "effect/Stream"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import * as ByHand from "../operate/byHand.ts"
import * as DeadLetterReplay from "../operate/DeadLetterReplay.ts"
import * as DryRun from "../operate/DryRun.ts"
import * as Tail from "../operate/Tail.ts"
import { Attempts } from "../ports/Attempts.ts"
import { Codec } from "../ports/Codec.ts"
import { cursorName } from "../ports/CursorName.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters, intake } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import { EntryIds } from "../ports/EntryIds.ts"
import { EventLog } from "../ports/EventLog.ts"
import { Members } from "../ports/Members.ts"
import { retryStore } from "../ports/retryStore.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { Transport } from "../ports/Transport.ts"
import { CurrentCatalog } from "../select/Catalog.ts"
import {
  compile,
  type Destination,
  type DestinationOptions,
  decodeSelection,
  type SelectionOptions,
} from "../select/Destination.ts"
import { hashWith } from "../select/Fields.ts"
import {
  type DestinationConfigured,
  type NotDelivering,
  NotReplayable,
  type UnknownDestination,
} from "./DispatcherError.ts"
import * as Assignment from "./dispatcher/assignment.ts"
import * as AttemptRecords from "./dispatcher/attemptQueue.ts"
import * as DestinationRecords from "./dispatcher/destinationRecords.ts"
import * as Sweeping from "./dispatcher/housekeeping.ts"
import * as LaneSet from "./dispatcher/laneSet.ts"
import * as Ownership from "./dispatcher/lease.ts"
import * as Roster from "./dispatcher/registry.ts"
import * as Changes from "./dispatcher/signals.ts"
import * as Ledger from "./Ledger.ts"
import * as HeadReader from "./read/HeadReader.ts"
import * as Sender from "./send/Sender.ts"

export { DestinationConfigured, NotDelivering, NotReplayable, UnknownDestination } from "./DispatcherError.ts"

export interface DispatcherOptions {
  /** The same in every process that delivers from a store: lanes are dealt among all of them, also to one that does not know the destination yet. */
  readonly destinations: ReadonlyArray<Destination>
  /** Of the installation: what `fields.hash` hashes with. */
  readonly hashKey?: Uint8Array
  /** How long entries behind every cursor are kept for replay. 3 days: a long weekend. */
  readonly keepFor?: Duration.Input
  /** How much of the log, in bytes as stored, is held parsed for the lanes near the head. 8 MiB. */
  readonly ringBytes?: number
}

export interface ReplayRequest {
  readonly destination: string
  /** ms since the epoch: entries appended at or after `since` and before `until`. */
  readonly since: number
  readonly until: number
}

/**
 * Runs the lanes of all destinations: reads the log's head once for all of them, and keeps and trims the log.
 *
 * Of a store that several processes can deliver from, each runs a part of the lanes: one destination's on one partition, with its replays, is dealt as one. A
 * process that ends, stands still or is cut off is replaced within 10 seconds, and starts no attempt once its lease of 6 seconds has ended; what it had in
 * flight is sent again. What one process is told here, the others follow within 2 seconds, the time from one beat to the next.
 */
export class Dispatcher extends Context.Service<
  Dispatcher,
  {
    readonly status: Effect.Effect<ReadonlyArray<Ledger.DestinationStatus>, StoreError>
    /** The destinations that are this process's to deliver to, and to which it does not: another one has taken them over, or its own lease has ended. */
    readonly undelivered: Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Sends what is pending without waiting for batches to fill; returns when nothing is left to send now: every lane of this process has
     * reached the head or waits to try again. When other processes deliver from the store it leaves what is pending to them, and returns once
     * what was under way is settled. To be called once, before the end.
     */
    readonly drain: Effect.Effect<"drained" | "handed-over">
    /** Stops sending to a destination; its cursor stays. */
    readonly disable: (id: string) => Effect.Effect<void, UnknownDestination | StoreError>
    /** Goes on where the destination stood, at once. */
    readonly enable: (id: string) => Effect.Effect<void, UnknownDestination | StoreError>
    /**
     * Keeps a new destination in the store and begins with it at once; a place that an earlier one of this id has left is taken up. Fails with {@link InvalidOptions} when
     * it is wrong or the id is taken.
     */
    readonly add: (options: DestinationOptions) => Effect.Effect<void, InvalidOptions | StoreError>
    /** Forgets a destination and its place, replays included: what is pending for it is not sent. Its dead letters stay. */
    readonly remove: (
      id: string,
    ) => Effect.Effect<void, UnknownDestination | DestinationConfigured | StoreError>
    /**
     * Sends a time range once more, by a cursor of its own beside live traffic; the events keep their `timeUUID`s. Survives restarts.
     *
     * @returns the replay's name
     */
    readonly replay: (request: ReplayRequest) => Effect.Effect<string, UnknownDestination | StoreError>
    /**
     * Sends dead letters of one destination once more, now, beside live traffic and within the destination's rate limit; those delivered stay, marked. Returns when all
     * were tried, or at the first failure that is not an event's own.
     */
    readonly replayDeadLetters: (
      request: DeadLetterReplay.DeadLetterReplayRequest,
    ) => Effect.Effect<
      DeadLetterReplay.DeadLetterReplay,
      UnknownDestination | NotReplayable | NotDelivering | StoreError
    >
    /**
     * Puts the live cursor back to the first entry kept that was appended at or after `since` (ms since the epoch), so that everything from there on is sent
     * once more, in order, before anything new. `replay` sends a range beside live traffic instead.
     *
     * @returns how many events are due once more: 0 when the cursor has not come so far yet
     */
    readonly rewind: (id: string, since: number) => Effect.Effect<number, UnknownDestination | StoreError>
    /**
     * Puts the live cursor to the log's head: what is pending is not sent. A replay can still send it for as long as it is kept.
     *
     * @returns how many events were passed over
     */
    readonly skip: (id: string) => Effect.Effect<number, UnknownDestination | StoreError>
    /**
     * Says what a filter would have done with the newest events, and what would have been sent; nothing is. Fails with {@link InvalidOptions} when the
     * selection is wrong.
     */
    readonly tryFilter: (
      selection: SelectionOptions,
      options?: DryRun.DryRunOptions,
    ) => Effect.Effect<DryRun.DryRun, InvalidOptions | StoreError>
    /** What is accepted once the effect has returned; see {@link Tail.follow}. */
    readonly tail: (
      options: Tail.TailOptions,
    ) => Effect.Effect<
      Stream.Stream<Tail.Tailed, StoreError>,
      UnknownDestination | NotDelivering | StoreError
    >
  }
>()("@millrace/core/Dispatcher") {}

export const layer = (
  options: DispatcherOptions,
): Layer.Layer<
  Dispatcher,
  StoreError,
  EventLog | Cursors | DeadLetters | Attempts | Destinations | Members | Transport | Codec
> => Layer.effect(Dispatcher, make(options))

const make = Effect.fnUntraced(function* (options: DispatcherOptions) {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const deadLetters = yield* DeadLetters
  const attempts = yield* Attempts
  const destinations = yield* Destinations
  const members = yield* Members
  const transport = yield* Transport
  const codec = yield* Codec
  const catalog = yield* CurrentCatalog
  const nextId = yield* EntryIds
  const { hashKey } = options
  const keepFor = Duration.toMillis(Duration.fromInputUnsafe(options.keepFor ?? "3 days"))
  const hash = hashKey === undefined ? null : hashWith(codec, hashKey)
  const ports = { log, cursors, destinations }

  // Before anything is changed that another one works on.
  yield* members.claim ?? Effect.void
  yield* DestinationRecords.agree(destinations, options.destinations)

  /** Other lanes than those that run may be this process's to run. */
  const due = Latch.makeUnsafe(false)
  const lookAgain = () => {
    due.openUnsafe()
  }
  const ownership = members.shared ? yield* Ownership.join(members, nextId(), lookAgain) : Ownership.sole

  let draining = false
  const changes = Changes.make()
  const readers: Array<HeadReader.HeadReader> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    readers.push(
      yield* HeadReader.make(log, partition, options.ringBytes ?? 8 * 1024 * 1024, changes.noteRead),
    )
  }
  const attemptRecords = AttemptRecords.make(attempts, changes.note)
  const lanes = yield* LaneSet.make({
    ...ports,
    deadLetters,
    readers,
    draining: () => draining,
    onChange: changes.note,
    onLanesDue: lookAgain,
  })
  const roster = Roster.make({
    configured: options.destinations,
    destinations,
    hashKey,
    hash,
    catalog,
    senderOf: (destination) =>
      Sender.make(destination, codec, transport, attemptRecords.add, () =>
        members.shared ? lanes.shareOf(destination.id) : 1,
      ),
  })
  const assign = Assignment.make({ ...ports, roster, lanes, ownership })

  /** What changes lanes is done one thing after the other. */
  const acting = Semaphore.makeUnsafe(1)
  const sparingly = makeSparingly()
  const sayNotAssigned = (reason: string) =>
    sparingly(Effect.logWarning("destinations could not be begun with, and will be tried again", reason))
  const assigning = Effect.gen(function* () {
    yield* due.await
    due.closeUnsafe()
    yield* acting.withPermits(1)(assign)
  }).pipe(
    Effect.catchTag("StoreError", (error) => sayNotAssigned(error.message)),
    Effect.catchDefect((defect) => sayNotAssigned(defectSummary(Cause.die(defect)))),
  )
  /** By hand: to its end once begun. */
  const alone = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    acting.withPermits(1)(Effect.uninterruptible(effect))

  yield* acting.withPermits(1)(assign)
  due.closeUnsafe()
  const sweeping = Sweeping.make({ ...ports, roster, lanes, attemptRecords, changes, keepFor })
  const sweeper = yield* Effect.forkScoped(sweeping.forever)
  // Runs before the fibers above are interrupted: finalizers run in reverse order.
  yield* Effect.addFinalizer(() => Effect.andThen(Fiber.interrupt(sweeper), sweeping.once))
  yield* Effect.forkScoped(Effect.forever(assigning))

  const byHand = ByHand.make({ ports, roster, lanes, assign, hashKey, onChange: changes.note })

  const replayDeadLetters = Effect.fnUntraced(function* (request: DeadLetterReplay.DeadLetterReplayRequest) {
    const { destination: id } = request
    if (id === intake) return yield* new NotReplayable({ destination: id })
    const { destination, selection, sender, replaying } = yield* roster.find(id)
    const replay = DeadLetterReplay.run(
      {
        destination,
        exportRule: selection.exportRule,
        sender,
        deadLetters,
        name: `dead-letters-${nextId()}`,
        isDisabled: ByHand.isDisabled(destinations, destination),
      },
      request,
    )
    return yield* replaying.withPermits(1)(replay)
  })

  /** Whether one of a destination's partitions is this process's to run, nobody else's any more, and does not run. */
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

  const tryFilter = Effect.fnUntraced(function* (
    selection: SelectionOptions,
    dryRun: DryRun.DryRunOptions = {},
  ) {
    const decoded = decodeSelection(selection, hashKey)
    if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
    return yield* DryRun.run(log, compile(decoded.success, hash, catalog), dryRun)
  })

  const tail = Effect.fnUntraced(function* ({ destination, ...tailOptions }: Tail.TailOptions) {
    const selection =
      destination === undefined
        ? compile(Tail.everything, null, catalog)
        : (yield* roster.find(destination)).selection
    return yield* Tail.follow(log, selection, tailOptions)
  })

  const status = Effect.map(Ledger.read(ports), (rows) =>
    rows.map((row) => {
      const circuit = roster.all.get(row.id)?.sender.circuit()
      return circuit === "half-open" ? { ...row, circuit } : row
    }),
  )

  const undelivered = Effect.map(destinations.list, (records) => {
    const off = new Set(records.filter(({ disabled }) => disabled !== null).map(({ id }) => id))
    return [...roster.all.values()]
      .filter(({ destination: { id, enabled } }) => enabled && !off.has(id))
      .map(({ destination: { id } }) => id)
      .filter((id) => lacksLane(id))
  })

  return Dispatcher.of({
    status,
    undelivered,
    drain,
    disable: (id) => alone(byHand.disable(id)),
    enable: (id) => alone(byHand.enable(id)),
    replay: (request) => alone(byHand.replay(request)),
    rewind: (id, since) => alone(byHand.rewind(id, since)),
    skip: (id) => alone(byHand.skip(id)),
    add: (config) => alone(byHand.add(config)),
    remove: (id) => alone(byHand.remove(id)),
    replayDeadLetters,
    tryFilter,
    tail,
  })
})
