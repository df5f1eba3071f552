import type { StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import type { LogHead } from "./LogHead.ts"
import { firstMark, type LogRecord, type Mark, markAt, originMark, type Place, seqOf } from "./LogRecord.ts"
import type { LogRecords } from "./LogRecords.ts"
import type { Stream } from "./Stream.ts"
import type { Table } from "./Table.ts"

/** What is no longer kept of a partition, and what may go. */
export interface Trimmed {
  /** Of the last entry dropped. */
  readonly tail: Mark
  /** Up to here every entry lies behind all cursors. */
  readonly released: Place
}

const nothing: Trimmed = { tail: originMark, released: 0 }

/** How much more than it needs a full log drops, as a part of its cap: not every append shall have to. */
const slack = 0.01

/**
 * The beginning of one partition. It is a number in the key-value bucket: messages can only be dropped whole, and the last of
 * them are kept for the ids of their entries.
 */
export class LogTail {
  readonly #table: Table<Trimmed>
  readonly #key: string
  readonly #stream: Stream
  readonly #records: LogRecords
  readonly #head: LogHead
  #trimmed = nothing
  #revision = 0
  #purgedBefore = 0

  constructor(table: Table<Trimmed>, key: string, stream: Stream, records: LogRecords, head: LogHead) {
    this.#table = table
    this.#key = key
    this.#stream = stream
    this.#records = records
    this.#head = head
  }

  /** As far as this process knows. Another one may have dropped more. */
  get mark(): Mark {
    return this.#trimmed.tail
  }

  readonly refresh: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(this.#table.get(this.#key), (row) => this.#know(row?.value ?? nothing, row?.revision ?? 0)),
  )

  /** The sums up to a place that is not before the tail nor behind the head. */
  markAt(place: Place): Effect.Effect<Mark, StoreError> {
    const { tail } = this.#trimmed
    if (place <= tail.place) return Effect.succeed(tail)
    if (place >= this.#head.mark.place) return Effect.succeed(this.#head.mark)
    return Effect.map(this.#records.first(seqOf(place), this.#head.lastSeq), (record) =>
      record === null ? this.#head.mark : markAt(record, place),
    )
  }

  /** The last place before the entries appended at or after a time. */
  before(time: number): Effect.Effect<Mark, StoreError> {
    const { tail } = this.#trimmed
    if (this.#head.appendedAt < time) return Effect.succeed(this.#head.mark)
    return Effect.map(
      this.#records.firstWhere(this.#firstSeq, this.#head.lastSeq, ({ after, appendedAt }) => {
        return after.place > tail.place && appendedAt >= time
      }),
      (record) =>
        record === null ? this.#head.mark : record.before.place > tail.place ? record.before : tail,
    )
  }

  /** The record of the first entry kept. */
  readonly oldest: Effect.Effect<LogRecord | null, StoreError> = Effect.suspend(() => {
    const { place } = this.#trimmed.tail
    const { lastSeq, mark } = this.#head
    if (mark.place <= place) return Effect.succeed(null)
    return Effect.flatMap(this.#records.first(this.#firstSeq, lastSeq), (record) =>
      record === null || record.after.place > place
        ? Effect.succeed(record)
        : this.#records.first(record.seq + 1, lastSeq),
    )
  })

  /** Notes what is released, and drops those of it appended before a time. */
  readonly trim = (released: Place, olderThan: number): Effect.Effect<void, StoreError> =>
    this.#update(() =>
      Effect.map(
        Effect.flatMap(this.before(olderThan), ({ place }) => this.markAt(Math.min(place, released))),
        (tail) => ({ tail, released }),
      ),
    )

  /**
   * Drops what has to go for so many bytes more under a cap. `false`, and nothing dropped, when that would not be enough.
   */
  readonly makeRoom = (needed: number, maxBytes: number): Effect.Effect<boolean, StoreError> =>
    Effect.suspend(() => {
      const allowed = maxBytes - needed
      const fits = (tail: Mark): boolean => this.#head.mark.bytes - tail.bytes <= allowed
      if (allowed < 0) return Effect.succeed(false)
      if (fits(this.#trimmed.tail)) return Effect.succeed(true)
      let found = false
      const shrink = Effect.gen({ self: this }, function* () {
        const { tail, released } = this.#trimmed
        found = fits(tail)
        if (found) return this.#trimmed
        const last = yield* this.markAt(Math.min(released, this.#head.mark.place))
        found = fits(last)
        if (!found) return this.#trimmed
        const enough = this.#head.mark.bytes - allowed + Math.floor(maxBytes * slack)
        return { released, tail: enough >= last.bytes ? last : yield* this.#firstAt(enough) }
      })
      return Effect.map(
        Effect.andThen(
          this.refresh,
          this.#update(() => shrink),
        ),
        () => found,
      )
    })

  /** The first place up to which there are so many bytes. */
  #firstAt(bytes: number): Effect.Effect<Mark, StoreError> {
    return Effect.map(
      this.#records.firstWhere(this.#firstSeq, this.#head.lastSeq, ({ after }) => after.bytes >= bytes),
      (record) => (record === null ? this.#head.mark : firstMark(record, (mark) => mark.bytes >= bytes)),
    )
  }

  get #firstSeq(): number {
    return Math.max(1, seqOf(this.#trimmed.tail.place))
  }

  #know(trimmed: Trimmed, revision: number): void {
    if (revision < this.#revision) return
    this.#trimmed = trimmed
    this.#revision = revision
  }

  /** Changes what is written down, again when another process did in between; then drops the messages nobody needs. */
  readonly #update = (next: () => Effect.Effect<Trimmed, StoreError>): Effect.Effect<void, StoreError> =>
    Effect.gen({ self: this }, function* () {
      for (;;) {
        const known = this.#trimmed
        const revision = this.#revision
        const { tail, released } = yield* next()
        if (tail.place === known.tail.place && released === known.released) break
        const trimmed = { tail, released }
        const written = yield* this.#table.replace(this.#key, trimmed, revision)
        if (written !== null) {
          this.#know(trimmed, written)
          break
        }
        yield* this.refresh
      }
      yield* this.#purge
    })

  readonly #purge: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    const before = Math.min(seqOf(this.#trimmed.tail.place), this.#head.recent.floor ?? 0)
    if (before <= Math.max(this.#purgedBefore, 1)) return Effect.void
    return Effect.map(this.#stream.purgeBefore(before), () => {
      this.#purgedBefore = Math.max(this.#purgedBefore, before)
    })
  })
}
