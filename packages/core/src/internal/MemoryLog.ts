import * as Result from "effect/Result"
import type { EntryId, LogBounds, LogEntry, LogTotals, NewEntry, ReadLimits } from "../EventLog.ts"
import * as Position from "../Position.ts"
import { StoreError } from "../StoreError.ts"
import { type Slab, Slabs } from "./Slabs.ts"

/** An id is known at least as long as this many newer ones: ten times what the port promises. */
const rememberedIds = 10_000

interface Kept {
  readonly id: EntryId
  readonly events: number
  /** ms since the epoch. */
  readonly appendedAt: number
  /** Where its envelope stands, and behind it the body. */
  readonly slab: Slab
  readonly at: number
  readonly bodyAt: number
  readonly end: number
  /** Up to and including this entry, from the first one ever. */
  readonly allEvents: number
  readonly allBytes: number
}

/**
 * An envelope is counted by its length: it is JSON that is nearly always ASCII, and encoding it to know its bytes would be done twice.
 */
const sizeOf = ({ envelope, body }: NewEntry): number => envelope.length + body.byteLength

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The bytes are copied: those in the slab are written over once the entry is dropped. */
const entryOf = (
  { id, events, appendedAt, slab, at, bodyAt, end }: Kept,
  position: Position.Position,
): LogEntry => ({
  id,
  events,
  envelope: decoder.decode(slab.bytes.subarray(at, bodyAt)),
  body: slab.bytes.slice(bodyAt, end),
  position,
  appendedAt,
})

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

  readonly #slabs = new Slabs()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get head(): Position.Position {
    return Position.fromNumber(this.#headNumber)
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
    const before = skipped === 0 ? this.#dropped.bytes : this.#kept[this.#first + skipped - 1]!.allBytes
    for (let number = skipped; found.length < limits.maxEntries; number++) {
      const kept = this.#kept[this.#first + number]
      if (kept === undefined) break
      if (found.length > 0 && kept.allBytes - before > limits.maxBytes) break
      found.push(entryOf(kept, Position.fromNumber(this.#dropped.entries + number + 1)))
    }
    return Result.succeed(found)
  }

  locate(time: number): Position.Position {
    let low = this.#first
    let high = this.#kept.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const kept = this.#kept[middle]
      if (kept !== undefined && kept.appendedAt < time) low = middle + 1
      else high = middle
    }
    return Position.fromNumber(this.#dropped.entries + low - this.#first)
  }

  bounds(): LogBounds {
    return {
      tail: Position.fromNumber(this.#dropped.entries),
      head: this.head,
      bytes: this.#bytes,
      oldestAt: this.#kept[this.#first]?.appendedAt ?? null,
    }
  }

  stats(upTo: Position.Position): Result.Result<LogTotals, StoreError> {
    const covered = this.#offset(upTo)
    if (covered === undefined) return Result.fail(this.#outOfRange(upTo))
    const kept = covered === 0 ? undefined : this.#kept[this.#first + covered - 1]
    return Result.succeed(
      kept === undefined
        ? this.#dropped
        : { entries: this.#dropped.entries + covered, events: kept.allEvents, bytes: kept.allBytes },
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
    return (this.#kept.at(-1)?.allBytes ?? this.#dropped.bytes) - this.#dropped.bytes
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
    const { id, events, envelope, body } = entry
    const last = this.#kept.at(-1)
    const position = Position.fromNumber(this.#headNumber + 1)
    // A letter takes 3 bytes at the most.
    const slab = this.#slabs.take(envelope.length * 3 + body.byteLength)
    const at = slab.used
    const bodyAt = at + encoder.encodeInto(envelope, slab.bytes.subarray(at)).written
    const end = bodyAt + body.byteLength
    slab.bytes.set(body, bodyAt)
    slab.used = end
    this.#kept.push({
      id,
      events,
      appendedAt: this.#appendedAt,
      slab,
      at,
      bodyAt,
      end,
      allEvents: (last?.allEvents ?? this.#dropped.events) + events,
      allBytes: (last?.allBytes ?? this.#dropped.bytes) + sizeOf(entry),
    })
    if (this.#ids.size >= rememberedIds) {
      this.#olderIds = this.#ids
      this.#ids = new Map()
    }
    this.#ids.set(id, position)
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
    const releasable = (upToReleased?.allBytes ?? this.#dropped.bytes) - this.#dropped.bytes
    if (this.#bytes - releasable > allowed) return false
    this.#dropWhile(() => this.#bytes > allowed)
    return true
  }

  /** Drops released entries, oldest first. */
  #dropWhile(condition: (oldest: Kept) => boolean): void {
    while (this.#dropped.entries < this.#released) {
      const oldest = this.#kept[this.#first]
      if (oldest === undefined || !condition(oldest)) break
      this.#kept[this.#first] = undefined
      this.#first += 1
      this.#dropped = {
        entries: this.#dropped.entries + 1,
        events: oldest.allEvents,
        bytes: oldest.allBytes,
      }
      this.#slabs.release(oldest.slab)
    }
    // Now and then, so that dropping costs the same however many are kept.
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
  }
}
