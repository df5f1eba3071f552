import { type EventLog, type Fork, Generations, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { LogHead } from "./LogHead.ts"
import {
  firstMark,
  type LogRecord,
  type Mark,
  markAt,
  originMark,
  type Place,
  placeBehind,
  seqOf,
} from "./LogRecord.ts"
import type { LogRecords } from "./LogRecords.ts"
import type { Stream } from "./Stream.ts"
import type { Table } from "./Table.ts"

/** What is no longer kept of a partition, and what may go. */
export interface Trimmed {
  /** Where the last entry dropped was. */
  readonly tail: Mark
  /** Up to here every entry lies behind all cursors. */
  readonly released: Place
  /** Where the log has come back with less than it had given. */
  readonly forks?: ReadonlyArray<Fork>
}

/** Ids with their places, of entries whose messages are gone. */
export type KnownIds = ReadonlyArray<readonly [id: EventLog.EntryId, place: Place]>

export interface LogTailOptions {
  readonly table: Table<Trimmed>
  readonly ids: Table<KnownIds>
  /** How many of them a message holds. */
  readonly maxIds: () => number
  /** The partition's key, in both. */
  readonly key: string
  readonly stream: Stream
  readonly records: LogRecords
  readonly head: LogHead
}

const nothing: Trimmed = { tail: originMark, released: 0 }

/**
 * How much more than it needs a full log drops, as a part of its cap: not every append shall have
 * to.
 */
const slack = 0.01

/**
 * The beginning of one partition. It is a number in the key-value bucket: messages can only be
 * dropped whole, and the last of them are kept for the ids of their entries.
 */
export class LogTail {
  readonly #table: Table<Trimmed>
  readonly #ids: Table<KnownIds>
  readonly #maxIds: () => number
  readonly #key: string
  readonly #stream: Stream
  readonly #records: LogRecords
  readonly #head: LogHead
  #trimmed = nothing
  #generations = new Generations()
  #revision = 0
  #purgedBefore = 0
  /** The stream's first message for which has been seen that nothing is missing in front of it. */
  #checkedFirst = 1

  constructor({ table, ids, maxIds, key, stream, records, head }: LogTailOptions) {
    this.#table = table
    this.#ids = ids
    this.#maxIds = maxIds
    this.#key = key
    this.#stream = stream
    this.#records = records
    this.#head = head
  }

  /** As far as this process knows. Another one may have dropped more. */
  get mark(): Mark {
    return this.#trimmed.tail
  }

  /** As far as this process knows. */
  get generations(): Generations {
    return this.#generations
  }

  /** Up to where cursors have released entries, as far as this process knows. */
  get released(): Place {
    return this.#trimmed.released
  }

  /**
   * From now on, what is appended is of another generation than what was lost behind an entry.
   *
   * Its number is a time: also servers that have lost the last of them give none a second time.
   *
   * @param before the generation of what was lost: a later one that has begun no further up tells
   * it apart already
   */
  readonly begin = (fork: Mark, before = this.#generations.current): Effect.Effect<void, StoreError> =>
    Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* this.refresh
        const { tail, released, forks = [] } = this.#trimmed
        const known = new Generations(forks)
        const latest = forks.at(-1)
        // Another process was first.
        if (latest !== undefined && latest.generation > before && latest.number <= fork.place) return
        const generation = Math.max(known.current + 1, Date.now())
        const trimmed: Trimmed = {
          tail: tail.place > fork.place ? fork : tail,
          // What comes in place of what is lost has been delivered to nobody.
          released: Math.min(released, fork.place),
          forks: known.begin({ generation, number: fork.place }, tail.place).forks,
        }
        const written = yield* this.#table.replace(this.#key, trimmed, this.#revision)
        if (written !== null) return this.#know(trimmed, written)
      }
    })

  /** Nothing has been written down of this partition. */
  get isUnwritten(): boolean {
    return this.#revision === 0
  }

  /**
   * What the server says next holds: one that comes back may have lost what was written here, too.
   */
  readonly readAnew: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    this.#revision = 0
    this.#purgedBefore = 0
    return this.refresh
  })

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
   * Drops what has to go for so many bytes more under a cap. `false`, and nothing dropped, when
   * that would not be enough.
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

  /**
   * Messages that somebody has purged by hand count as trimmed. To be asked once the head is known.
   */
  readonly noticePurge: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    const { firstSeq } = this.#head
    if (firstSeq === this.#checkedFirst) return Effect.void
    return Effect.gen({ self: this }, function* () {
      const gone = yield* this.#purgedByHand
      if (gone !== null) {
        const next = () => {
          const { tail, released } = this.#trimmed
          return Effect.succeed({ released, tail: gone.place > tail.place ? gone : tail })
        }
        yield* this.#update(next)
        this.#head.startAfter(gone)
      }
      this.#checkedFirst = firstSeq
    })
  })

  /** Up to where entries are missing that were not trimmed. */
  get #purgedByHand(): Effect.Effect<Mark | null, StoreError> {
    const { firstSeq, lastSeq, mark } = this.#head
    const { tail } = this.#trimmed
    return Effect.map(this.#records.first(firstSeq, lastSeq), (record) => {
      if (record !== null) return record.before.place > tail.place ? record.before : null
      if (lastSeq >= firstSeq) return null
      if (mark.place > tail.place) return mark
      // Nothing is left that says how many there were.
      return lastSeq > seqOf(tail.place) ? { ...tail, place: placeBehind(lastSeq) } : null
    })
  }

  /** Whether {@link LogTail.makeRoom} would find that much. */
  hasRoom(needed: number, maxBytes: number): Effect.Effect<boolean, StoreError> {
    const { released } = this.#trimmed
    return Effect.map(
      this.markAt(Math.min(released, this.#head.mark.place)),
      (last) => this.#head.mark.bytes - last.bytes <= maxBytes - needed,
    )
  }

  /**
   * For a server that has no room left: drops so many bytes of what is released, and the messages
   * that are only kept for the ids of their entries, which are noted elsewhere first. Says whether
   * that has made any room.
   */
  readonly dropReleased = (bytes: number): Effect.Effect<boolean, StoreError> =>
    Effect.gen({ self: this }, function* () {
      yield* this.refresh
      yield* this.#update(() =>
        Effect.gen({ self: this }, function* () {
          const { tail, released } = this.#trimmed
          const last = yield* this.markAt(Math.min(released, this.#head.mark.place))
          const enough = tail.bytes + bytes
          return { released, tail: enough >= last.bytes ? last : yield* this.#firstAt(enough) }
        }),
      )
      const { place } = this.#trimmed.tail
      if (place === 0) return false
      const seq = seqOf(place)
      const record = yield* this.#records.first(seq, seq)
      const before = record !== null && record.after.place > place ? seq : seq + 1
      if (before <= this.#purgedBefore) return false
      yield* this.#ids.put(this.#key, this.#head.recent.snapshot(place).slice(-this.#maxIds()))
      const purged = yield* this.#stream.purgeBefore(before)
      this.#purgedBefore = Math.max(this.#purgedBefore, before)
      return purged > 0
    })

  /** The ids whose messages had to go, for a process that comes later. */
  readonly restoreIds: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(this.#ids.get(this.#key), (row) =>
      // Those of another generation that ended behind here are nobody's any more.
      this.#head.recent.restore((row?.value ?? []).filter(([, place]) => place <= this.mark.place)),
    ),
  )

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
    // An answer that was overtaken by another.
    if (revision < this.#revision) return
    this.#generations = new Generations(trimmed.forks)
    this.#trimmed = trimmed
    this.#revision = revision
  }

  /**
   * Changes what is written down, again when another process did in between; then drops the
   * messages nobody needs.
   */
  readonly #update = (next: () => Effect.Effect<Trimmed, StoreError>): Effect.Effect<void, StoreError> =>
    Effect.gen({ self: this }, function* () {
      for (;;) {
        const known = this.#trimmed
        const revision = this.#revision
        const { tail, released } = yield* next()
        if (tail.place === known.tail.place && released === known.released) break
        const { forks } = this.#trimmed
        const trimmed = { tail, released, ...(forks === undefined ? {} : { forks }) }
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
