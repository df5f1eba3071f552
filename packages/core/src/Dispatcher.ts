import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type * as Stream from "effect/Stream"
import type { Attempt } from "./Attempts.ts"
import { Attempts } from "./Attempts.ts"
import { CurrentCatalog } from "./Catalog.ts"
import { Codec } from "./Codec.ts"
import { Cursors } from "./Cursors.ts"
import * as DeadLetterReplay from "./DeadLetterReplay.ts"
import { DeadLetters, intake } from "./DeadLetters.ts"
import {
  type CompiledSelection,
  compile,
  type Destination,
  type DestinationOptions,
  decode,
  decodeSelection,
  type SelectionOptions,
} from "./Destination.ts"
import type { Disabled } from "./Destinations.ts"
import { Destinations } from "./Destinations.ts"
import * as DryRun from "./DryRun.ts"
import { EntryIds } from "./EntryIds.ts"
import { EventLog } from "./EventLog.ts"
import { hashWith } from "./Fields.ts"
import { InvalidOptions } from "./InvalidOptions.ts"
import * as CursorMove from "./internal/cursorMove.ts"
import { defectSummary } from "./internal/defectSummary.ts"
import * as DestinationRecords from "./internal/destinationRecords.ts"
import * as HeadReader from "./internal/headReader.ts"
import * as ReplayCursor from "./internal/replayCursor.ts"
import * as Retention from "./internal/retention.ts"
import { retryStore } from "./internal/retryStore.ts"
import * as Sender from "./internal/Sender.ts"
import * as Lane from "./Lane.ts"
import * as Ledger from "./Ledger.ts"
import type { StoreError } from "./StoreError.ts"
import * as Tail from "./Tail.ts"
import { Transport } from "./Transport.ts"

export interface DispatcherOptions {
  readonly destinations: ReadonlyArray<Destination>
  /** Of the installation: what `fields.hash` hashes with. */
  readonly hashKey?: Uint8Array
  /** How long entries behind every cursor are kept for replay. 3 days: a long weekend. */
  readonly keepFor?: Duration.Input
  /** How much of the log, in bytes as stored, is held parsed for the lanes near the head. 8 MiB. */
  readonly ringBytes?: number
}

/** No destination of this id is configured. */
export class UnknownDestination extends Data.TaggedError("UnknownDestination")<{ readonly id: string }> {
  override get message(): string {
    return `no destination "${this.id}" is configured`
  }
}

/** The configuration names this destination: it would be there again after the next start. */
export class DestinationConfigured extends Data.TaggedError("DestinationConfigured")<{
  readonly id: string
}> {
  override get message(): string {
    return `destination "${this.id}" is in the configuration: take it out there first`
  }
}

/** Whoever was asked only looks after the store. */
export class NotDelivering extends Data.TaggedError("NotDelivering") {
  override get message(): string {
    return "nothing is delivered from here: a server has to run on this store"
  }
}

/** Letters of intake were refused before any destination saw them: only a corrected event, sent to intake again, can be accepted. */
export class NotReplayable extends Data.TaggedError("NotReplayable")<{ readonly destination: string }> {
  override get message(): string {
    return `dead letters of "${this.destination}" are events refused on arrival: correct them and send them in again`
  }
}

export interface ReplayRequest {
  readonly destination: string
  /** ms since the epoch: entries appended at or after `since` and before `until`. */
  readonly since: number
  readonly until: number
}

/** Runs the lanes of all destinations: reads the log's head once for all of them, and keeps and trims the log. */
export class Dispatcher extends Context.Service<
  Dispatcher,
  {
    readonly status: Effect.Effect<ReadonlyArray<Ledger.DestinationStatus>, StoreError>
    /**
     * Sends what is pending without waiting for batches to fill; returns when nothing is left to send now: every lane has reached the head
     * or waits to try again.
     */
    readonly drain: Effect.Effect<void>
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

/** What all lanes of a destination have in common. */
interface Known {
  readonly destination: Destination
  readonly selection: CompiledSelection
  readonly sender: Sender.Sender
  /** One replay of dead letters at a time: a second one then finds marked what the first has delivered. */
  readonly replaying: Semaphore.Semaphore
}

/** Cursors of idle lanes, attempts and the trimming wait for each other for so long, to share their writes. */
const sweepEvery = Duration.seconds(1)

/** Or until so many bytes have gone by: a small log must not fill up with what has been delivered. */
const sweepBytes = 8 * 1024 * 1024

/** Attempts kept in memory while the store does not take them: losing older ones loses no event. */
const maxUnsavedAttempts = 1000

/** What all lanes that have fallen behind may hold of the log together, and one of them at the most. */
const laggingBytes = { together: 32 * 1024 * 1024, most: 1024 * 1024 }

/** What the batches of all lanes may hold together: up to 256 lanes this is more than their own limits of 1 MiB. */
const batchBytes = 256 * 1024 * 1024

/** A share smaller than this would cost more in requests than it saves in memory. */
const leastShare = 64 * 1024

/** A lane that cannot go on (an entry that cannot be read, say) is begun anew after this. */
const restartLaneAfter = Duration.seconds(30)

export const layer = (
  options: DispatcherOptions,
): Layer.Layer<
  Dispatcher,
  StoreError,
  EventLog | Cursors | DeadLetters | Attempts | Destinations | Transport | Codec
> => Layer.effect(Dispatcher, make(options))

const make = Effect.fnUntraced(function* (options: DispatcherOptions) {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const deadLetters = yield* DeadLetters
  const attempts = yield* Attempts
  const destinations = yield* Destinations
  const transport = yield* Transport
  const codec = yield* Codec
  const keepFor = Duration.toMillis(Duration.fromInputUnsafe(options.keepFor ?? "3 days"))
  const configured = new Set(options.destinations.map(({ id }) => id))
  const ports = { log, cursors, destinations }

  yield* reconcile(destinations, options.destinations)

  let draining = false
  let bytesSinceSweep = 0
  let unsavedAttempts: Array<Attempt> = []
  /** Something is to be swept; at once; something a draining caller waits for may have come true. */
  const dirty = yield* Latch.make(false)
  const sweepNow = yield* Latch.make(false)
  const progress = yield* Latch.make(false)
  const onChange = () => {
    dirty.openUnsafe()
    progress.openUnsafe()
  }

  const onRead = (bytes: number) => {
    bytesSinceSweep += bytes
    onChange()
    if (bytesSinceSweep >= sweepBytes) sweepNow.openUnsafe()
  }
  const readers: Array<HeadReader.HeadReader> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    readers.push(yield* HeadReader.make(log, partition, options.ringBytes ?? 8 * 1024 * 1024, onRead))
  }

  // --- lanes ----------------------------------------------------------------------------------------------------------

  const lanes = new Map<string, Lane.Lane>()
  /** One lane's, of all there are or, while destinations are being started, will be. */
  const share = (bytes: number) =>
    Math.max(bytes / Math.max(lanes.size, all.size * log.partitions), leastShare)
  const fibers = yield* FiberMap.make<string>()

  const recordAttempt = (attempt: Attempt) => {
    unsavedAttempts.push(attempt)
    if (unsavedAttempts.length > maxUnsavedAttempts) unsavedAttempts = unsavedAttempts.slice(1)
    onChange()
  }

  const catalog = yield* CurrentCatalog
  const hash = options.hashKey === undefined ? null : hashWith(codec, options.hashKey)

  /** Those of the configuration, and those that were added to the store. */
  const all = new Map<string, Known>()
  const register = (destination: Destination): Known => {
    const known: Known = {
      destination,
      selection: compile(destination, hash, catalog),
      sender: Sender.make(destination, codec, transport, recordAttempt),
      replaying: Semaphore.makeUnsafe(1),
    }
    all.set(destination.id, known)
    return known
  }

  for (const destination of options.destinations) register(destination)
  for (const { id, config } of yield* destinations.list) {
    if (config === null || all.has(id)) continue
    const read = DestinationRecords.read(config, options.hashKey)
    if (Result.isSuccess(read)) register(read.success)
    else {
      const reason = new InvalidOptions({ problems: read.failure }).message
      yield* Effect.logError("a destination that was added cannot be run", reason).pipe(
        Effect.annotateLogs({ destination: id }),
      )
    }
  }

  const setDisabled = (id: string, disabled: Disabled | null) =>
    DestinationRecords.setDisabled(destinations, id, disabled)

  const startLane = Effect.fnUntraced(function* (
    { destination, selection, sender }: Known,
    partition: number,
    replay: string | null,
  ) {
    const noted = Effect.annotateLogs({ destination: destination.id })
    const open = Lane.make({
      destination,
      ...selection,
      partition,
      replay,
      log,
      cursors,
      deadLetters,
      sender,
      ...readers[partition]!,
      readBytes: () => Math.min(share(laggingBytes.together), laggingBytes.most),
      batchBytes: () => share(batchBytes / destination.concurrency),
      onChange,
      draining: () => draining,
    })
    let lane = yield* open
    lanes.set(lane.name, lane)

    const restart = Effect.fnUntraced(function* (reason: string) {
      yield* Effect.logError("a destination cannot go on and is begun anew", reason).pipe(noted)
      yield* Effect.sleep(restartLaneAfter)
      lane = yield* retryStore(open)
      lanes.set(lane.name, lane)
    })
    const run = Effect.suspend(() => lane.run).pipe(
      Effect.catchTag("StoreError", (error) =>
        error.reason._tag === "Closed" ? Effect.never : restart(error.message),
      ),
      Effect.catchDefect((defect) => restart(defectSummary(Cause.die(defect)))),
      Effect.forever,
      Effect.catchTags({
        Fenced: () => Effect.logWarning("another process has taken the destination over").pipe(noted),
        Gone: Effect.fnUntraced(function* () {
          const at = yield* Clock.currentTimeMillis
          yield* retryStore(setDisabled(destination.id, { at, reason: "gone" }))
          yield* Effect.logWarning("a destination answered 410 and is disabled").pipe(noted)
        }),
        Finished: ({ name }) =>
          Effect.andThen(retryStore(cursors.remove(name)), Effect.logInfo("a replay is done").pipe(noted)),
      }),
      Effect.catchTag("StoreError", (error) =>
        Effect.logError("a destination has stopped", error.message).pipe(noted),
      ),
      Effect.ensuring(
        Effect.sync(() => {
          lanes.delete(lane.name)
          onChange()
        }),
      ),
    )
    yield* FiberMap.run(fibers, lane.name, run)
  })

  /** Live traffic, and the replays that are not done yet. */
  const startDestination = Effect.fnUntraced(function* (known: Known) {
    for (let partition = 0; partition < log.partitions; partition++) {
      yield* startLane(known, partition, null)
    }
    for (const { name } of yield* cursors.list) {
      const parsed = Lane.parseCursorName(name)
      if (parsed?.destination !== known.destination.id || parsed.replay === null) continue
      if (parsed.partition < log.partitions) yield* startLane(known, parsed.partition, parsed.replay)
    }
  })

  const known = (id: string) => {
    const found = all.get(id)
    return found === undefined ? Effect.fail(new UnknownDestination({ id })) : Effect.succeed(found)
  }

  const isDisabled = ({ id, enabled }: Destination) =>
    Effect.map(destinations.get(id), (record) => !enabled || (record?.disabled ?? null) !== null)

  /** What changes lanes by hand, one thing after the other, and each to its end once begun. */
  const acting = yield* Semaphore.make(1)
  const alone = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    acting.withPermits(1)(Effect.uninterruptible(effect))

  const stopLanes = Effect.fnUntraced(function* (id: string) {
    for (const name of [...lanes.keys()]) {
      if (Lane.parseCursorName(name)?.destination === id) yield* FiberMap.remove(fibers, name)
    }
  })

  const disable = Effect.fnUntraced(function* (id: string) {
    yield* known(id)
    yield* setDisabled(id, { at: yield* Clock.currentTimeMillis, reason: "by-hand" })
    yield* stopLanes(id)
  })

  const enable = Effect.fnUntraced(function* (id: string) {
    const found = yield* known(id)
    const record = yield* destinations.get(id)
    if (record?.disabled === null) return
    yield* setDisabled(id, null)
    yield* startDestination(found)
  })

  const add = Effect.fnUntraced(function* (config: DestinationOptions) {
    const decoded = decode(config, options.hashKey)
    const problems = [
      ...(Result.isFailure(decoded) ? decoded.failure : []),
      ...DestinationRecords.keepProblems(config),
      ...(all.has(config.id) ? [idTaken] : []),
    ]
    if (Result.isFailure(decoded) || problems.length > 0) return yield* new InvalidOptions({ problems })
    yield* DestinationRecords.keep(destinations, config)
    const added = register(decoded.success)
    if (decoded.success.enabled) yield* startDestination(added)
    onChange()
  })

  const remove = Effect.fnUntraced(function* (id: string) {
    if (configured.has(id)) return yield* new DestinationConfigured({ id })
    if ((yield* destinations.get(id)) === null) return yield* new UnknownDestination({ id })
    yield* stopLanes(id)
    all.delete(id)
    yield* DestinationRecords.remove(ports, id)
    onChange()
  })

  const replay = Effect.fnUntraced(function* (request: ReplayRequest) {
    const found = yield* known(request.destination)
    const disabled = yield* isDisabled(found.destination)
    const name = yield* ReplayCursor.begin(ports, request)
    for (let partition = 0; partition < log.partitions && !disabled; partition++) {
      yield* startLane(found, partition, name)
    }
    return name
  })

  /** Stops a live lane, wherever it runs, while its cursor is put elsewhere. */
  const move = Effect.fnUntraced(function* (
    id: string,
    put: (partition: number) => Effect.Effect<number, StoreError>,
  ) {
    const found = yield* known(id)
    const disabled = yield* isDisabled(found.destination)
    let events = 0
    for (let partition = 0; partition < log.partitions; partition++) {
      const name = Lane.cursorName({ destination: id, partition, replay: null })
      yield* FiberMap.remove(fibers, name)
      const moved = yield* Effect.exit(put(partition))
      if (!disabled) yield* retryStore(startLane(found, partition, null))
      events += yield* moved
    }
    onChange()
    return events
  })

  const rewind = (id: string, since: number) =>
    move(id, (partition) => CursorMove.rewind(ports, id, partition, since))

  const skip = (id: string) => move(id, (partition) => CursorMove.skip(ports, id, partition))

  // --- dead letters ---------------------------------------------------------------------------------------------------

  const nextId = yield* EntryIds

  const replayDeadLetters = Effect.fnUntraced(function* (request: DeadLetterReplay.DeadLetterReplayRequest) {
    const { destination: id } = request
    if (id === intake) return yield* new NotReplayable({ destination: id })
    const { destination, selection, sender, replaying } = yield* known(id)
    const replay = DeadLetterReplay.run(
      {
        destination,
        exportRule: selection.exportRule,
        sender,
        deadLetters,
        name: `dead-letters-${nextId()}`,
        isDisabled: isDisabled(destination),
      },
      request,
    )
    return yield* replaying.withPermits(1)(replay)
  })

  // --- what is written together: idle cursors, attempts, the trimming -------------------------------------------------

  const saveIdleCursors = Effect.suspend(() => {
    const saves = [...lanes.values()].flatMap((lane) => {
      const save = lane.idleSave()
      return save === null ? [] : [{ lane, save }]
    })
    if (saves.length === 0) return Effect.void
    return cursors.save(saves.map(({ save }) => save)).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          for (const [at, { lane, save }] of saves.entries()) {
            lane.idleSaved(save, exit._tag === "Success" ? exit.value[at]! : "failed")
          }
        }),
      ),
    )
  })

  const saveAttempts = Effect.suspend(() => {
    const batch = unsavedAttempts
    if (batch.length === 0) return Effect.void
    unsavedAttempts = []
    return Effect.ignore(attempts.append(batch))
  })

  const sweep = Effect.gen(function* () {
    bytesSinceSweep = 0
    yield* saveIdleCursors
    yield* saveAttempts
    return yield* Retention.trim(ports, all, (name) => lanes.get(name)?.status().state, keepFor)
  }).pipe(
    Effect.catchTag("StoreError", (error) =>
      Effect.as(Effect.logWarning("the store does not answer", error.message), 60_000),
    ),
    Effect.catchDefect((defect) =>
      Effect.as(Effect.logError("a sweep failed", defectSummary(Cause.die(defect))), 60_000),
    ),
  )

  /** Nothing ticks while nothing has changed, save for the day when the oldest entry has been kept long enough. */
  const sweeping = Effect.gen(function* () {
    let due = yield* sweep
    for (;;) {
      yield* Number.isFinite(due) ? Effect.timeoutOption(dirty.await, due) : dirty.await
      dirty.closeUnsafe()
      sweepNow.closeUnsafe()
      yield* Effect.timeoutOption(sweepNow.await, sweepEvery)
      due = yield* sweep
    }
  })

  // --- start and stop -------------------------------------------------------------------------------------------------

  const disabled = new Set(
    (yield* destinations.list).filter((record) => record.disabled !== null).map(({ id }) => id),
  )
  for (const found of all.values()) {
    if (found.destination.enabled && !disabled.has(found.destination.id)) yield* startDestination(found)
  }
  const sweeper = yield* Effect.forkScoped(sweeping)
  // Runs before the fibers above are interrupted: finalizers run in reverse order.
  yield* Effect.addFinalizer(() => Effect.andThen(Fiber.interrupt(sweeper), sweep))

  const isAtRest = Effect.gen(function* () {
    for (let partition = 0; partition < log.partitions; partition++) {
      const { head } = yield* log.bounds(partition)
      for (const lane of lanes.values()) {
        const name = Lane.parseCursorName(lane.name)
        if (name?.partition !== partition || name.replay !== null) continue
        const { idle, waiting, place } = lane.status()
        if (!waiting && !(idle && place >= head)) return false
      }
    }
    return true
  })

  const drain = Effect.gen(function* () {
    draining = true
    for (const lane of lanes.values()) lane.wake()
    for (;;) {
      progress.closeUnsafe()
      if (yield* retryStore(isAtRest)) return
      yield* progress.await
    }
  }).pipe(Effect.ignore)

  const tryFilter = Effect.fnUntraced(function* (
    selection: SelectionOptions,
    dryRun: DryRun.DryRunOptions = {},
  ) {
    const decoded = decodeSelection(selection, options.hashKey)
    if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
    return yield* DryRun.run(log, compile(decoded.success, hash, catalog), dryRun)
  })

  const tail = Effect.fnUntraced(function* ({ destination, ...tailOptions }: Tail.TailOptions) {
    const selection =
      destination === undefined
        ? compile(Tail.everything, null, catalog)
        : (yield* known(destination)).selection
    return yield* Tail.follow(log, selection, tailOptions)
  })

  const status = Effect.map(Ledger.read(ports), (rows) =>
    rows.map((row) => {
      const circuit = all.get(row.id)?.sender.circuit()
      return circuit === "half-open" ? { ...row, circuit } : row
    }),
  )

  return Dispatcher.of({
    status,
    drain,
    disable: (id) => alone(disable(id)),
    enable: (id) => alone(enable(id)),
    replay: (request) => alone(replay(request)),
    rewind: (id, since) => alone(rewind(id, since)),
    skip: (id) => alone(skip(id)),
    add: (config) => alone(add(config)),
    remove: (id) => alone(remove(id)),
    replayDeadLetters,
    tryFilter,
    tail,
  })
})

/** What is wrong with an id that another destination has. */
export const idTaken = { path: "id", message: "there is a destination of this id already" } as const

/** Makes the store's list agree with the configuration: new ones are noted, those no longer configured are disabled, their cursor kept. */
const reconcile = Effect.fnUntraced(function* (
  destinations: Destinations["Service"],
  configured: ReadonlyArray<Destination>,
) {
  const now = yield* Clock.currentTimeMillis
  const known = new Map((yield* destinations.list).map((record) => [record.id, record]))
  for (const { id } of configured) {
    const record = known.get(id)
    known.delete(id)
    if (record === undefined) yield* destinations.put({ id, config: null, disabled: null, createdAt: now })
    else if (record.disabled?.reason === "unconfigured")
      yield* destinations.put({ ...record, disabled: null })
  }
  for (const record of known.values()) {
    if (record.config === null && record.disabled === null) {
      yield* destinations.put({ ...record, disabled: { at: now, reason: "unconfigured" } })
    }
  }
})
