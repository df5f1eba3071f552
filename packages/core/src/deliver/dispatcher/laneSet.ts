import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import { logMessages } from "../../base/Telemetry.ts"
import { Backlog } from "../../ports/Backlog.ts"
import { cursorName } from "../../ports/CursorName.ts"
import type { CursorRecord, Cursors } from "../../ports/Cursors.ts"
import type { DeadLetters } from "../../ports/DeadLetters.ts"
import type { Destinations } from "../../ports/Destinations.ts"
import { defectSummary } from "../../ports/defectSummary.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import { origin, type Position } from "../../ports/Position.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Herald } from "../health/Herald.ts"
import * as Lane from "../Lane.ts"
import type { LaneState } from "../LaneState.ts"
import type { HeadReader } from "../read/HeadReader.ts"
import * as DestinationRecords from "./destinationRecords.ts"
import { type Halts, tryAgainAfter } from "./halts.ts"
import type { Tenure } from "./lease.ts"
import type { Known } from "./registry.ts"

/**
 * What all lanes that have fallen behind may hold of the log together, and one of them at the most.
 */
const laggingBytes = { together: 32 * 1024 * 1024, most: 1024 * 1024 }

/**
 * What the batches of all lanes may hold together: up to 256 lanes this is more than their own
 * limits of 1 MiB.
 */
const batchBytes = 256 * 1024 * 1024

/**
 * What batches of all lanes may take up while their destinations are away: a few dozen large ones.
 */
const keptBytes = 16 * 1024 * 1024

/** A share smaller than this would cost more in requests than it saves in memory. */
const leastShare = 64 * 1024

/**
 * A lane that was taken over is asked for again after this, and begun if it is still this
 * process's: whoever took it may be gone, and nobody says so where nobody beats. Two that both take
 * a lane for their own (of a version that claims nothing) send little twice then.
 */
const takeBackAfter = Duration.seconds(5)

/** What a released lane has in flight gets so long: its next owner waits for about twice that. */
const settleWithin = Duration.seconds(2)

/** Ends of replays that are remembered, for those who list them within the hour. */
const maxFinished = 256

/** Where a lane runs: by its cursor's name. */
export interface LanePlace {
  readonly partition: number
  /** `null` for live traffic. */
  readonly replay: string | null
}

export interface Running extends LanePlace {
  readonly known: Known
  readonly tenure: Tenure
  /** Another one after it was begun anew. */
  lane: Lane.Lane
}

/** The lanes that run in this process, by the names of their cursors. */
export interface LaneSet {
  readonly running: ReadonlyMap<string, Running>
  /** How replays have come to their end here, the last ones, by the names of their cursors. */
  readonly finished: ReadonlyMap<string, LaneState>
  /** Says how many lanes will run together: they share what memory there is for them. */
  readonly expect: (count: number) => void
  /**
   * Which part of a destination's live traffic runs here: one partition's at the least, for what is
   * sent by hand.
   */
  readonly shareOf: (destination: string) => number
  /**
   * Takes the cursor over, whoever had it, and begins. @param before where it stood: for a store
   * that has lost it
   */
  readonly start: (
    known: Known,
    place: LanePlace,
    tenure: Tenure,
    before?: CursorRecord,
  ) => Effect.Effect<void, StoreError>
  /** At once: what is in flight is not heard of again. */
  readonly stop: (name: string) => Effect.Effect<void>
  /** What is in flight is given a little time to be settled and saved. */
  readonly release: (name: string) => Effect.Effect<void>
}

interface Options {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly destinations: Destinations["Service"]
  readonly readers: ReadonlyArray<HeadReader>
  readonly halts: Halts
  readonly draining: () => boolean
  readonly onChange: () => void
  /**
   * A destination has changed in the store, or a lane has been taken over: what is to run may be
   * other lanes now.
   */
  readonly onLanesDue: () => void
  /** The store does not know a lane any more. */
  readonly onForgotten: (name: string, lane: Lane.LaneStatus) => void
  /** Is told which destinations are this process's to tell of. */
  readonly herald: Pick<Herald, "takenOver" | "left" | "found">
}

export const make = Effect.fnUntraced(function* (options: Options) {
  const { log, cursors, deadLetters, destinations, readers, halts, draining, onChange, onLanesDue } = options
  const { onForgotten, herald } = options
  const running = new Map<string, Running>()
  const fibers = yield* FiberMap.make<string>()
  let expected = 0
  const finished = new Map<string, LaneState>()
  const noteFinished = (name: string, state: LaneState): void => {
    finished.set(name, state)
    const [oldest] = finished.keys()
    if (finished.size > maxFinished && oldest !== undefined) finished.delete(oldest)
  }
  const keeping = new Backlog(keptBytes)
  const share = (bytes: number) => Math.max(bytes / Math.max(running.size, expected), leastShare)

  /**
   * How many events lie between where the store has a lane, with an earlier owner, and where the
   * lane stands: they are sent again.
   */
  const sentAgain = Effect.fnUntraced(function* (from: Position, to: Position, partition: number) {
    const sumAt = (position: Position) =>
      log.stats(partition, position).pipe(
        Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) => log.stats(partition, resumeAt)),
        Effect.map(({ events }) => events),
      )
    return Math.max((yield* sumAt(to)) - (yield* sumAt(from)), 0)
  })

  /**
   * Says why the store lets the lane save nothing any more, and after how long it is asked for
   * again.
   */
  const fenced = Effect.fnUntraced(function* ({ name, epoch, status }: Lane.Lane, partition: number) {
    const found = (yield* cursors.list).find((cursor) => cursor.name === name)
    if (found === undefined) {
      // Removed with its destination; or lost, which is found out when it is taken again.
      onForgotten(name, status())
      return Duration.zero
    }
    if (found.epoch > epoch) {
      yield* Effect.logWarning("another process has taken the destination over")
      return takeBackAfter
    }
    const place = found.record?.position ?? origin
    yield* Effect.logWarning(
      "the store has come back as it was before: a destination goes on where it stood then",
    ).pipe(
      Effect.annotateLogs({
        partition,
        sentAgain: yield* sentAgain(place, status().stands.position, partition),
      }),
    )
    return Duration.zero
  })

  const begin = Effect.fnUntraced(function* (
    known: Known,
    { partition, replay }: LanePlace,
    tenure: Tenure,
    before: CursorRecord | undefined,
  ) {
    const { destination, selection, layout, sender } = known
    const noted = Effect.annotateLogs({ destination: destination.id })
    const open = (stood: CursorRecord | undefined) =>
      Lane.make({
        destination,
        ...selection,
        layout,
        partition,
        replay,
        before: stood,
        log,
        cursors,
        deadLetters,
        sender,
        tenure,
        ...readers[partition]!,
        readBytes: () => Math.min(share(laggingBytes.together), laggingBytes.most),
        batchBytes: () => share(batchBytes / destination.concurrency),
        ...{ keeping, onChange, draining },
      })
    const one: Running = { known, partition, replay, tenure, lane: yield* open(before) }
    // It has waited for nothing yet.
    yield* sender.hurry
    const { name } = one.lane
    running.set(name, one)
    const { failingSince, failures } = one.lane.status().state
    if (replay === null && failingSince !== null) {
      yield* herald.takenOver(destination.id, failingSince, failures)
    }

    let isOpen = true
    const runOnce = Effect.gen(function* () {
      if (!isOpen) {
        if (!tenure.holds()) return yield* new Lane.Released({ name })
        one.lane = yield* retryStore(open(one.lane.status().stands))
        isOpen = true
      }
      return yield* one.lane.run
    })
    const halt = Effect.fnUntraced(function* (error: StoreError | null, detail: string) {
      isOpen = false
      yield* Effect.logError("a destination cannot go on and is begun anew", detail).pipe(noted)
      yield* halts.note({ error, detail })
      yield* Effect.sleep(tryAgainAfter)
    })
    const run = runOnce.pipe(
      Effect.catchTag("StoreError", (error) =>
        error.reason._tag === "Closed" ? Effect.never : halt(error, error.message),
      ),
      Effect.catchDefect((defect) => halt(null, defectSummary(Cause.die(defect)))),
      Effect.forever,
      Effect.catchTags({
        Fenced: () => retryStore(Effect.suspend(() => fenced(one.lane, partition))).pipe(noted),
        Gone: Effect.fnUntraced(function* () {
          const at = yield* Clock.currentTimeMillis
          const disabled = { at, reason: "gone" } as const
          yield* retryStore(DestinationRecords.setDisabled(destinations, destination.id, disabled))
          yield* Effect.logWarning(logMessages.destinationGone).pipe(noted)
          yield* herald.found({
            ...{ type: "disabled", destination: destination.id, since: at, cause: "answered 410" },
          })
          onLanesDue()
        }),
        Finished: () => {
          const { state } = one.lane.status()
          noteFinished(name, state)
          const { delivered, filtered, dead } = state
          return Effect.andThen(
            retryStore(cursors.remove(name)),
            Effect.logInfo(logMessages.replayDone).pipe(
              Effect.annotateLogs({
                replay,
                ...(log.partitions === 1 ? {} : { partition }),
                ...{ delivered, filtered, dead },
              }),
              noted,
            ),
          )
        },
        Released: () => Effect.void,
      }),
      Effect.catchTag("StoreError", (error) =>
        Effect.logError("a destination has stopped", error.message).pipe(noted),
      ),
      Effect.ensuring(
        Effect.sync(() => {
          running.delete(name)
          if (![...running.values()].some((other) => other.known.destination.id === destination.id)) {
            herald.left(destination.id)
          }
          onChange()
        }),
      ),
      Effect.flatMap((again) =>
        again === undefined ? Effect.void : Effect.andThen(Effect.sleep(again), Effect.sync(onLanesDue)),
      ),
    )
    yield* FiberMap.run(fibers, name, run)
  })

  const stop = (name: string) => FiberMap.remove(fibers, name)

  const release = Effect.fnUntraced(function* (name: string) {
    running.get(name)?.lane.release()
    const fiber = FiberMap.getUnsafe(fibers, name)
    if (Option.isSome(fiber)) {
      yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber.value)), settleWithin)
    }
    yield* stop(name)
  })

  const lanes: LaneSet = {
    running,
    finished,
    expect: (count) => {
      expected = count
    },
    shareOf: (destination) => {
      let count = 0
      for (let partition = 0; partition < log.partitions; partition++) {
        if (running.has(cursorName({ destination, partition, replay: null }))) count += 1
      }
      return Math.max(count, 1) / log.partitions
    },
    start: (known, place, tenure, before) =>
      Effect.catchTag(begin(known, place, tenure, before), "Finished", () => Effect.void),
    stop,
    release,
  }
  return lanes
})
