import * as Result from "effect/Result"
import type { EntryId, LogBounds, LogEntry, LogTotals, NewEntry, ReadLimits } from "../EventLog.ts"
import * as Position from "../Position.ts"
import { StoreError } from "../StoreError.ts"

/** An id is known at least as long as this many newer ones: ten times what the port promises. */
const rememberedIds = 10_000

interface Kept {
  readonly entry: LogEntry
  /** Up to and including this entry, from the first one ever. */
  readonly events: number
  readonly bytes: number
}

/**
 * An envelope is counted by its length: it is JSON that is nearly always ASCII, and encoding it here to know its bytes would
 * cost as much as the append.
 */
const sizeOf = ({ envelope, body }: NewEntry): number => envelope.length + body.byteLength

/** Small bodies share buffers of this size: one of its own costs more than the rest of an append. They are dropped about as they came: together. */
const shared = { size: 64 * 1024, upTo: 4 * 1024 }

/** The memory log's data: entries numbered from 1 without a gap, so that a position is an index. */
export class MemoryLog {
  readonly #maxBytes: number
  /** `#kept[#first]` is the oldest entry kept; what stands before it has been dropped. */
  #kept: Array<Kept | undefined> = []
  #first = 0
  /** The sums up to the last dropped entry; `entries` is also its number. */
  #dropped: LogTotals = { entries: 0, events: 0, bytes: 0 }
  #released = 0
  /** Of the last entry appended: a clock set back does not turn the log's order of time around. */
  #appendedAt = Number.NEGATIVE_INFINITY
  // Two generations, the older one forgotten whole: no bookkeeping per id.
  #ids = new Map<EntryId, Position.Position>()
  #olderIds = new Map<EntryId, Position.Position>()

  /** Where the next small body goes. */
  #slab = new Uint8Array(0)
  #used = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get head(): Position.Position {
    return this.#kept.at(-1)?.entry.position ?? Position.fromNumber(this.#dropped.entries)
  }

  append(
    entries: ReadonlyArray<NewEntry>,
    now: number,
  ): Result.Result<ReadonlyArray<Position.Position>, StoreError> {
    const fresh: Array<NewEntry> = []
    const places = new Map<EntryId, Position.Position>()
    let needed = 0
    const positions = entries.map((entry) => {
      const known = this.#positionOf(entry.id) ?? places.get(entry.id)
      if (known !== undefined) return known
      fresh.push(entry)
      needed += sizeOf(entry)
      const position = Position.fromNumber(this.#headNumber + fresh.length)
      places.set(entry.id, position)
      return position
    })
    if (!this.#makeRoom(needed)) {
      return Result.fail(
        new StoreError({
          reason: { _tag: "Full" },
          message: `the log's ${this.#maxBytes} bytes are taken by entries not yet delivered`,
        }),
      )
    }
    for (const entry of fresh) this.#push(entry, now)
    return Result.succeed(positions)
  }

  read(after: Position.Position, limits: ReadLimits): Result.Result<ReadonlyArray<LogEntry>, StoreError> {
    const skipped = this.#offset(after)
    if (skipped === undefined) return Result.fail(this.#outOfRange(after))
    const found: Array<LogEntry> = []
    let bytes = 0
    for (let index = this.#first + skipped; found.length < limits.maxEntries; index++) {
      const kept = this.#kept[index]
      if (kept === undefined) break
      bytes += sizeOf(kept.entry)
      if (found.length > 0 && bytes > limits.maxBytes) break
      found.push(kept.entry)
    }
    return Result.succeed(found)
  }

  locate(time: number): Position.Position {
    let low = this.#first
    let high = this.#kept.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const kept = this.#kept[middle]
      if (kept !== undefined && kept.entry.appendedAt < time) low = middle + 1
      else high = middle
    }
    return Position.fromNumber(this.#dropped.entries + low - this.#first)
  }

  bounds(): LogBounds {
    return {
      tail: Position.fromNumber(this.#dropped.entries),
      head: this.head,
      bytes: this.#bytes,
      oldestAt: this.#kept[this.#first]?.entry.appendedAt ?? null,
    }
  }

  stats(upTo: Position.Position): Result.Result<LogTotals, StoreError> {
    const covered = this.#offset(upTo)
    if (covered === undefined) return Result.fail(this.#outOfRange(upTo))
    const kept = covered === 0 ? undefined : this.#kept[this.#first + covered - 1]
    return Result.succeed(
      kept === undefined
        ? this.#dropped
        : { entries: this.#dropped.entries + covered, events: kept.events, bytes: kept.bytes },
    )
  }

  trim(released: Position.Position, olderThan: number): void {
    const number = Position.toNumber(released)
    // A position that no log of this kind made releases nothing.
    this.#released = Number.isNaN(number) ? 0 : number
    this.#dropWhile((oldest) => oldest.appendedAt < olderThan)
  }

  get #headNumber(): number {
    return this.#dropped.entries + this.#kept.length - this.#first
  }

  get #bytes(): number {
    return (this.#kept.at(-1)?.bytes ?? this.#dropped.bytes) - this.#dropped.bytes
  }

  /** How many of the entries kept stand before or at a position; `undefined` outside the log. */
  #offset(position: Position.Position): number | undefined {
    const offset = Position.toNumber(position) - this.#dropped.entries
    return offset >= 0 && offset <= this.#kept.length - this.#first ? offset : undefined
  }

  #outOfRange(position: Position.Position): StoreError {
    const { tail, head } = this.bounds()
    return new StoreError({
      reason: { _tag: "OutOfRange", tail, head },
      message: `position "${position}" is outside the log, which holds those after "${tail}" up to "${head}"`,
    })
  }

  #push(entry: NewEntry, now: number): void {
    this.#appendedAt = Math.max(now, this.#appendedAt)
    const last = this.#kept.at(-1) ?? this.#dropped
    const position = Position.fromNumber(this.#headNumber + 1)
    const { id, events, envelope } = entry
    this.#kept.push({
      entry: { id, events, envelope, body: this.#own(entry.body), position, appendedAt: this.#appendedAt },
      events: last.events + events,
      bytes: last.bytes + sizeOf(entry),
    })
    if (this.#ids.size >= rememberedIds) {
      this.#olderIds = this.#ids
      this.#ids = new Map()
    }
    this.#ids.set(id, position)
  }

  /** A view may hold on to a far larger buffer, such as the one a socket was read into. */
  #own(body: Uint8Array): Uint8Array {
    const { byteLength } = body
    if (byteLength === body.buffer.byteLength) return body
    if (byteLength > shared.upTo) return new Uint8Array(body)
    if (this.#used + byteLength > this.#slab.byteLength) {
      this.#slab = new Uint8Array(shared.size)
      this.#used = 0
    }
    this.#slab.set(body, this.#used)
    this.#used += byteLength
    return this.#slab.subarray(this.#used - byteLength, this.#used)
  }

  #positionOf(id: EntryId): Position.Position | undefined {
    return this.#ids.get(id) ?? this.#olderIds.get(id)
  }

  /** Drops nothing when dropping all that is released would not be enough. */
  #makeRoom(needed: number): boolean {
    const allowed = this.#maxBytes - needed
    if (this.#bytes <= allowed) return true
    const released = Math.min(this.#released, this.#headNumber) - this.#dropped.entries
    const upToReleased = released > 0 ? this.#kept[this.#first + released - 1] : undefined
    const releasable = (upToReleased?.bytes ?? this.#dropped.bytes) - this.#dropped.bytes
    if (this.#bytes - releasable > allowed) return false
    this.#dropWhile(() => this.#bytes > allowed)
    return true
  }

  /** Drops released entries, oldest first. */
  #dropWhile(condition: (oldest: LogEntry) => boolean): void {
    while (this.#dropped.entries < this.#released) {
      const oldest = this.#kept[this.#first]
      if (oldest === undefined || !condition(oldest.entry)) break
      this.#kept[this.#first] = undefined
      this.#first += 1
      this.#dropped = {
        entries: this.#dropped.entries + 1,
        events: oldest.events,
        bytes: oldest.bytes,
      }
    }
    // Now and then, so that dropping costs the same however many are kept.
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
  }
}
