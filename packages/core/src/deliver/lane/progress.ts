import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { monotonicMillis } from "../../base/monotonic.ts"
import type { CursorRecord, CursorSave, Cursors } from "../../ports/Cursors.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import { Fenced, Finished } from "../LaneEnd.ts"
import * as LaneState from "../LaneState.ts"
import type { Feed } from "../read/Feed.ts"
import * as Transitions from "./transitions.ts"

interface Where {
  readonly destination: Destination
  readonly partition: number
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

/** The lane's cursor as it was taken over. */
export interface Held {
  readonly name: string
  readonly epoch: number
  readonly record: CursorRecord
}

/**
 * Takes a live cursor over, whoever had it; a new one is made, where the destination says that it
 * begins.
 *
 * @param before where it stood: a store that has lost it is told again
 */
export const takeOver = Effect.fnUntraced(function* (where: Where, name: string, before?: CursorRecord) {
  const { destination, partition, log, cursors } = where
  const { epoch, record } = yield* cursors.acquire(name)
  const held = (record: CursorRecord): Held => ({ name, epoch, record })
  if (record !== null) return held(record)
  if (before !== undefined) {
    const again = held(before)
    yield* cursors.save([again])
    return again
  }
  const bounds = yield* log.bounds(partition)
  const position = destination.from === "now" ? bounds.head : bounds.tail
  const { events } = yield* log.stats(partition, position)
  const begun = held({ position, index: 0, state: LaneState.encode(LaneState.initial(events)) })
  yield* cursors.save([begun])
  return begun
})

/**
 * The same of a replay. It is never new: without a record it has come to its end, and was removed,
 * meanwhile.
 */
export const takeOverReplay = Effect.fnUntraced(function* (cursors: Cursors["Service"], name: string) {
  const { epoch, record } = yield* cursors.acquire(name)
  if (record !== null) return { name, epoch, record } satisfies Held
  yield* cursors.remove(name)
  return yield* new Finished({ name })
})

/** Holds where the lane stands, and saves it. What may become of that is in `transitions.ts`. */
export interface Book {
  readonly standing: Transitions.Standing
  readonly state: LaneState.LaneState
  readonly change: (transition: Transitions.Transition) => void
  /** As it was last saved: where a restart would go on. */
  readonly saved: CursorRecord
  /**
   * As it was last to be saved: where the lane stands, whether the store has heard of it or not.
   */
  readonly stands: CursorRecord

  /** An attempt has failed. */
  readonly failed: Effect.Effect<void>
  /**
   * The lane's own time: for how many ms it has run, in all processes together, by their monotonic
   * clocks.
   */
  readonly time: Effect.Effect<number>
  /**
   * For how long the destination has been failing, as far as time has really passed; 0 when it is
   * not.
   */
  readonly failingFor: Effect.Effect<number>

  /**
   * The feed has gone elsewhere, and nothing is in hand: the lane stands there, before it is saved.
   */
  readonly moved: () => void
  /** Saves the lane as it stands: before the open batch, or else where its feed stands. */
  readonly save: Effect.Effect<void, Fenced | StoreError>
  /**
   * Nothing is left of the open batch. The save goes on while the next batch is gathered: see
   * {@link Book.kept}.
   */
  readonly settle: Effect.Effect<void, Fenced | StoreError>
  /**
   * Waits for the save under way, if there is one: before the lane sends anything, rests or ends.
   */
  readonly kept: Effect.Effect<void, Fenced | StoreError>
  /**
   * For a lane with nothing in flight. The book's own saves wait until {@link Book.idleSaved}.
   * `null` when nothing has changed.
   */
  readonly idleSave: () => CursorSave | null
  readonly idleSaved: (save: CursorSave, outcome: "saved" | "fenced" | "failed") => void
}

interface Options {
  readonly cursors: Cursors["Service"]
  readonly onChange: () => void
}

export const makeBook = (
  { cursors, onChange }: Options,
  { name, epoch, record }: Held,
  began: LaneState.LaneState,
  feed: Pick<Feed, "ahead">,
): Book => {
  let standing = Transitions.begun(record, began)
  let saved = record
  let stands = record
  const saving = Latch.makeUnsafe(true)
  const { ranFor = 0 } = began
  let startedAt: number | null = null
  const time = Effect.map(monotonicMillis, (now) => {
    startedAt ??= now
    return ranFor + now - startedAt
  })

  const change: Book["change"] = (transition) => {
    standing = transition(standing)
  }

  const present = (): CursorSave => {
    change(Transitions.lookedUpTo(feed.ahead))
    return { name, epoch, record: Transitions.recordOf(standing) }
  }

  let underWay: Fiber.Fiber<void, Fenced | StoreError> | null = null

  const kept: Book["kept"] = Effect.suspend(() => {
    if (underWay === null) return Effect.void
    return Effect.tap(Fiber.join(underWay), () =>
      Effect.sync(() => {
        underWay = null
      }),
    )
  })

  const write = Effect.fnUntraced(function* (next: CursorSave) {
    stands = next.record
    const [outcome] = yield* retryStore(cursors.save([next]))
    if (outcome === "fenced") return yield* new Fenced({ name })
    saved = next.record
    onChange()
  })

  /** No other save is under way. */
  const turn = Effect.suspend(() => (saving.isOpen() ? kept : Effect.andThen(saving.await, kept)))

  return {
    get standing() {
      return standing
    },
    get state() {
      return standing.state
    },
    change,
    get saved() {
      return saved
    },
    get stands() {
      return stands
    },
    failed: Effect.gen(function* () {
      change(Transitions.attemptFailed(yield* Clock.currentTimeMillis, yield* time))
    }),
    time,
    failingFor: Effect.suspend(() => {
      const { failingFrom } = standing.state
      return failingFrom === undefined
        ? Effect.succeed(0)
        : Effect.map(time, (now) => Math.max(now - failingFrom, 0))
    }),
    kept,
    moved: () => {
      stands = present().record
    },
    save: Effect.andThen(
      turn,
      Effect.suspend(() => write(present())),
    ),
    settle: Effect.gen(function* () {
      change(Transitions.batchSettled(feed.ahead))
      yield* turn
      underWay = yield* Effect.forkChild(write(present()), { startImmediately: true })
    }),
    idleSave: () => {
      if (!saving.isOpen() || underWay !== null) return null
      const save = present()
      if (save.record.position === saved.position && save.record.state === saved.state) return null
      saving.closeUnsafe()
      stands = save.record
      return save
    },
    idleSaved: (save, outcome) => {
      saving.openUnsafe()
      if (outcome === "saved") saved = save.record
    },
  }
}
