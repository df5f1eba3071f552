import { HeadWatch, type StoreError } from "@millrace/core/store"
import type { StreamState } from "@nats-io/jetstream"
import * as Effect from "effect/Effect"
import { notYet } from "./errors.ts"
import {
  type LogRecord,
  type Mark,
  originMark,
  type Place,
  placeOf,
  type RecordIndex,
  seqOf,
} from "./LogRecord.ts"
import type { LogRecords, Slot } from "./LogRecords.ts"
import { promised, RecentIds } from "./RecentIds.ts"
import type { Stream } from "./Stream.ts"

/**
 * How long a server may have less than it has acknowledged until it is believed to have lost it, in
 * ms.
 */
const patience = 3_000

/** Records read at once to catch up. */
const window = 16

/** The end of one partition as far as this process knows it, and who waits for it to move. */
export class LogHead {
  readonly recent = new RecentIds()
  /** The number of the stream's last message, which a write must name to follow it. */
  lastSeq = 0
  /**
   * The number of the first message there is, as the server has last said; behind the last one when
   * there is none.
   */
  firstSeq = 1
  /** Where the last entry is. */
  mark: Mark = originMark
  appendedAt = Number.NEGATIVE_INFINITY
  readonly #stream: Stream
  readonly #records: LogRecords
  readonly #watch = new HeadWatch<Place>(originMark.place)
  /** Others say that it is there; not read yet. */
  #announced = 0
  /** Since when the server has less than is known here, in ms. */
  #shortSince: number | undefined

  constructor(stream: Stream, records: LogRecords) {
    this.#stream = stream
    this.#records = records
  }

  /** Reads what others have appended, after asking the server how far that is. */
  readonly refresh: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.flatMap(this.#stream.state, ({ last_seq, first_seq }) => this.#catchUp(first_seq, last_seq)),
  )

  /**
   * The same, while nothing is being appended from here. A server that has lost its last writes
   * with its machine ends earlier than is known here, or has others in their place; for a moment,
   * so does a new leader.
   *
   * @param begin called with the last entry that has survived, where some are lost: what comes
   * behind it is told apart from them
   * @param isSure that what is known here is still there: it need not be looked at
   */
  realign(
    begin: (fork: Mark) => Effect.Effect<void, StoreError>,
    isSure: boolean,
  ): Effect.Effect<void, StoreError> {
    return Effect.gen({ self: this }, function* () {
      // Others append while the answer is under way.
      const { lastSeq, mark } = this
      const { last_seq, first_seq } = yield* this.#stream.state
      const isWhole = last_seq >= lastSeq && (isSure || (yield* this.#isThere(mark, first_seq)))
      if (isWhole) {
        this.#shortSince = undefined
        return yield* this.#catchUp(first_seq, last_seq)
      }
      this.#shortSince ??= performance.now()
      const isNew = performance.now() - this.#shortSince < patience
      if (this.#stream.hasReplicas && isNew) return yield* Effect.fail(notYet())
      this.#records.forgetAfter(0)
      yield* begin(yield* this.#survivor(Math.max(1, first_seq), Math.min(last_seq, lastSeq)))
      yield* this.#goBack(first_seq, last_seq)
    })
  }

  /**
   * Whether a stream of which the server says this still has what this process has last seen of it.
   */
  isIn({ last_seq, first_seq }: StreamState): Effect.Effect<boolean, StoreError> {
    return last_seq < this.lastSeq ? Effect.succeed(false) : this.#isThere(this.mark, first_seq)
  }

  /**
   * What was trimmed or purged cannot be asked for: then there is nothing that speaks against it.
   */
  #isThere({ place }: Mark, first: number): Effect.Effect<boolean, StoreError> {
    const seq = seqOf(place)
    return seq < Math.max(1, first) || this.recent.floor === undefined
      ? Effect.succeed(true)
      : Effect.map(this.#records.lookAgain(seq), (record) => record !== null && this.recent.has(record))
  }

  /**
   * The last entry, up to a number, that is what it was. Entries older than those whose ids are
   * known are: another process that had appended over them would have said so.
   */
  readonly #survivor = Effect.fnUntraced({ self: this }, function* (first: number, to: number) {
    const known = this.recent.floor ?? 0
    for (let seq = to; seq >= first; seq--) {
      const record = yield* this.#records.lookAgain(seq)
      if (record !== null && (seq < known || this.recent.has(record))) return record.after
    }
    return originMark
  })

  /** Others have said that there is more. */
  get isBehind(): boolean {
    return this.#announced > this.lastSeq
  }

  /** Without asking how far when others have said that there is more. */
  readonly catchUp: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    this.isBehind
      ? // What is missing may have been trimmed since: the server knows.
        Effect.catch(this.#walk(this.#announced), () => this.refresh)
      : this.refresh,
  )

  /** A record that this process has written, or read at its turn. */
  advance(record: RecordIndex): void {
    if (record.seq <= this.lastSeq) return
    this.lastSeq = record.seq
    this.mark = record.after
    this.appendedAt = record.appendedAt
    this.recent.add(record)
    this.#watch.advance(record.after.place)
  }

  /** A record that another process has written. */
  hear(record: RecordIndex): void {
    const isNext = record.seq - record.messages === this.lastSeq && record.before.place === this.mark.place
    if (isNext) this.advance(record)
    if (record.seq <= this.#announced) return
    this.#announced = record.seq
    this.#watch.advance(placeOf(record.seq, 0))
  }

  /**
   * The same, for a log whose last messages are gone with those in front of them: not for one that
   * ends earlier than it did.
   */
  startAfterTrimmed(tail: Mark): void {
    if (seqOf(tail.place) <= this.lastSeq) this.startAfter(tail)
  }

  /** What nobody holds any more is counted where the log was trimmed. */
  startAfter(tail: Mark): void {
    if (this.mark.place >= tail.place) return
    this.mark = tail
    this.#watch.advance(tail.place)
  }

  get isAwaited(): boolean {
    return this.#watch.isAwaited
  }

  wait(after: Place): Effect.Effect<void, StoreError> {
    return this.#watch.wait(after)
  }

  /** Fails those who wait. */
  fail(error: StoreError): void {
    this.#watch.fail(Effect.fail(error))
  }

  #catchUp(first: number, to: number): Effect.Effect<void, StoreError> {
    // 0 of a stream that has never had any.
    this.firstSeq = Math.max(1, first)
    if (to <= this.lastSeq) return Effect.void
    const isFar = to - this.lastSeq > promised || first > this.lastSeq + 1
    return isFar ? this.#jump(first, to) : this.#walk(to)
  }

  #walk(to: number): Effect.Effect<void, StoreError> {
    return Effect.whileLoop({
      while: () => this.lastSeq < to,
      body: () => {
        const from = this.lastSeq + 1
        const slots = this.#records.range(from, Math.min(to, this.lastSeq + window))
        return Effect.flatMap(slots, (found) =>
          found.includes("missing") ? Effect.fail(notYet()) : Effect.succeed({ from, found }),
        )
      },
      step: ({ from, found }) => {
        for (const [index, slot] of found.entries()) {
          if (slot !== "part" && slot !== "missing") this.advance(slot)
          // The rest of an append that failed counts, too.
          this.lastSeq = Math.max(this.lastSeq, from + index)
        }
      },
    })
  }

  #goBack(first: number, to: number): Effect.Effect<void, StoreError> {
    this.firstSeq = Math.max(1, first)
    return Effect.map(lastRecords(this.#records, first, to), (records) => {
      this.#shortSince = undefined
      this.#announced = 0
      this.mark = originMark
      this.#beginAt(records, to)
      this.#watch.fallBack(this.mark.place)
    })
  }

  /** From the end, as far back as ids are to be known. */
  #jump(first: number, to: number): Effect.Effect<void, StoreError> {
    return Effect.map(lastRecords(this.#records, first, to), (records) => {
      // Others may have come further meanwhile.
      if (to > this.lastSeq) this.#beginAt(records, to)
    })
  }

  #beginAt(records: ReadonlyArray<LogRecord>, to: number): void {
    this.recent.clear()
    for (const record of records) {
      this.recent.add(record)
      this.mark = record.after
      this.appendedAt = record.appendedAt
    }
    this.lastSeq = to
    this.#watch.advance(this.mark.place)
  }
}

/** Those of the last entries whose ids are to be known, oldest first. */
const lastRecords = Effect.fnUntraced(function* (
  records: LogRecords,
  first: number,
  to: number,
): Effect.fn.Return<ReadonlyArray<LogRecord>, StoreError> {
  const found: Array<LogRecord> = []
  let seq = to
  let slot: Slot = "part"
  while (slot === "part" && seq >= Math.max(1, first)) {
    slot = yield* records.look(seq)
    if (slot === "missing") return yield* Effect.fail(notYet())
    seq -= 1
  }
  while (typeof slot === "object") {
    found.push(slot)
    const newest = found[0]?.after.entries ?? 0
    const previous = seqOf(slot.before.place)
    if (newest - slot.before.entries >= promised || previous === 0) break
    slot = yield* records.look(previous)
  }
  return found.reverse()
})
