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
import type { Feed, Place } from "../read/Feed.ts"
import type { OpenBatch } from "./openBatch.ts"

interface Where {
  readonly destination: Destination
  readonly partition: number
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

interface Options {
  readonly cursors: Cursors["Service"]
  readonly onChange: () => void
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

/** What the lane has done and where it stands, and every save of it. */
export interface Book {
  readonly state: LaneState.LaneState
  readonly update: (change: Partial<LaneState.LaneState>) => void
  /** As it was last saved: where a restart would go on. */
  readonly saved: CursorRecord
  /**
   * As it was last to be saved: where the lane stands, whether the store has heard of it or not.
   */
  readonly stands: CursorRecord

  /** Counts events that have been delivered: the destination takes events. */
  readonly passed: (count: number) => void
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
   * How many bytes a request may have at this receiver; `null` for as many as the destination
   * allows.
   */
  readonly setFits: (bytes: number | null) => void
  /** Counts events that the filter let through and that are behind the lane. */
  readonly settled: (count: number) => void
  /** Counts as filtered what lies before a place and was not let through. */
  readonly countFiltered: (place: Place) => void
  /** The open batch, if there is one, is taken anew: see {@link LaneState.reopened}. */
  readonly reopen: (first: Place) => void

  /**
   * The feed has gone elsewhere, and nothing is in hand: the lane stands there, before it is saved.
   */
  readonly moved: () => void
  /** Nothing is in hand: the lane stands where its feed stands. */
  readonly saveHere: Effect.Effect<void, Fenced | StoreError>
  /** The lane still stands before the batch, and remembers what is left of it. */
  readonly saveOpen: (open: OpenBatch) => Effect.Effect<void, Fenced | StoreError>
  /**
   * All of the batch is settled. Call it once for a batch. The save goes on while the next batch is
   * gathered: see {@link Book.kept}.
   */
  readonly saveSettled: (open: OpenBatch) => Effect.Effect<void, Fenced | StoreError>
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

export const makeBook = (
  { cursors, onChange }: Options,
  { name, epoch, record }: Held,
  began: LaneState.LaneState,
  feed: Feed,
): Book => {
  // The place says it anew.
  let { within: _, ...state }: LaneState.LaneState = began
  let saved = record
  let stands = record
  const saving = Latch.makeUnsafe(true)
  const { ranFor = 0 } = began
  let startedAt: number | null = null
  const time = Effect.map(monotonicMillis, (now) => {
    startedAt ??= now
    return ranFor + now - startedAt
  })
  /** How many events the filter has let through to batches since the start. */
  let takenInAll = 0
  const filteredAtStart = began.filtered - record.index

  const update: Book["update"] = (change) => {
    // Not by two spreads: that takes three times as long, several times a batch.
    state = Object.assign({ ...state }, change)
  }

  const settled = (count: number): void => {
    takenInAll += count
  }

  const countFiltered = (place: Place): void =>
    update({ filtered: filteredAtStart + place.scanned - takenInAll })

  const recordAt = ({ position, index, within }: Place): CursorSave => ({
    name,
    epoch,
    record: {
      position,
      index,
      state: LaneState.encode(index > 0 && within !== null ? { ...state, within } : state),
    },
  })

  const recordHere = (): CursorSave => {
    const place = feed.ahead
    countFiltered(place)
    return recordAt(place)
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

  const begin = (record: () => CursorSave) =>
    Effect.gen(function* () {
      yield* turn
      underWay = yield* Effect.forkChild(write(record()), { startImmediately: true })
    })

  const save = (record: () => CursorSave) =>
    Effect.andThen(
      turn,
      Effect.suspend(() => write(record())),
    )

  const saveHere = save(recordHere)

  return {
    get state() {
      return state
    },
    get saved() {
      return saved
    },
    get stands() {
      return stands
    },
    update,
    passed: (count) => {
      const { failingFrom, nothingPassedFrom, ...others } = state
      const delivered = state.delivered + count
      state = { ...others, delivered, failures: 0, failingSince: null, probing: false }
    },
    failed: Effect.gen(function* () {
      const wall = yield* Clock.currentTimeMillis
      const now = yield* time
      update({
        failures: state.failures + 1,
        failingSince: state.failingSince ?? wall,
        // One that a version without it has written began before this process, nobody knows how
        // long.
        failingFrom: state.failingFrom ?? now,
        nothingPassedFrom: state.nothingPassedFrom ?? now,
        ranFor: now,
      })
    }),
    time,
    failingFor: Effect.suspend(() => {
      const { failingFrom } = state
      return failingFrom === undefined
        ? Effect.succeed(0)
        : Effect.map(time, (now) => Math.max(now - failingFrom, 0))
    }),
    setFits: (bytes) => {
      const { fits, ...others } = state
      if (bytes !== (fits ?? null)) state = bytes === null ? others : { ...others, fits: bytes }
    },
    settled,
    countFiltered,
    reopen: (first) => {
      state = LaneState.reopened(state, first)
    },
    kept,
    moved: () => {
      stands = recordHere().record
    },
    saveHere,
    saveOpen: (open) => {
      const { buckets, todo, taken } = open
      const last = open.last!
      update({ open: { count: taken.length, buckets, last: [last.position, last.index], todo } })
      return save(() => recordAt(open.start))
    },
    saveSettled: (open) => {
      settled(open.taken.length)
      update({ open: null })
      return begin(recordHere)
    },
    idleSave: () => {
      if (!saving.isOpen() || underWay !== null) return null
      const save = recordHere()
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
