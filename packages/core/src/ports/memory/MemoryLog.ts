import * as Result from "effect/Result"
import { Generations } from "../Generations.ts"
import {
  type LogBounds,
  type LogEntry,
  type LogTotals,
  type NewEntry,
  type ReadLimits,
  sizeOf,
} from "../LogEntry.ts"
import type * as Position from "../Position.ts"
import { StoreError } from "../StoreError.ts"
import { EntryRows } from "./EntryRows.ts"
import { RecentIds } from "./RecentIds.ts"
import { Slabs } from "./Slabs.ts"

/** An id is known at least as long as this many newer ones: ten times what the port promises. */
const rememberedIds = 10_000

/**
 * In bytes. To and from a slab, which is shared memory, V8 copies words where both sides begin at
 * the same place of one, and single bytes otherwise.
 */
const word = 8

const placeInWord = (address: number): number => address & (word - 1)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The memory log's data: entries numbered from 1 without a gap, so that a position is an index. */
export class MemoryLog {
  readonly #maxBytes: number
  #generations = new Generations()
  /** The entries kept, the oldest first. */
  #kept = new EntryRows()
  /** The sums up to the last dropped entry; `entries` is also its number. */
  #dropped: LogTotals = { entries: 0, events: 0, bytes: 0 }
  #released = 0
  /**
   * When the last entry was appended: a clock set back does not turn the log's order of time
   * around.
   */
  #appendedAt = Number.NEGATIVE_INFINITY
  #ids = new RecentIds(rememberedIds)
  #slabs = new Slabs()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get head(): Position.Position {
    return this.#positionOf(this.#headNumber)
  }

  append(
    entries: ReadonlyArray<NewEntry>,
    now: number,
  ): Result.Result<ReadonlyArray<Position.Position>, StoreError> {
    const fresh: Array<NewEntry> = []
    const numbers = new Map<string, number>()
    let needed = 0
    const positions = entries.map((entry) => {
      const known = this.#ids.numberOf(entry.id) || numbers.get(entry.id)
      if (known !== undefined) return this.#positionOf(known)
      fresh.push(entry)
      needed += sizeOf(entry)
      const number = this.#headNumber + fresh.length
      numbers.set(entry.id, number)
      return this.#positionOf(number)
    })
    if (!this.#makeRoom(needed)) return Result.fail(this.#full())
    for (const entry of fresh) this.#push(entry, now)
    return Result.succeed(positions)
  }

  /** Fails as an append of so many bytes would. */
  probe(bytes: number): Result.Result<void, StoreError> {
    return this.#bytes - this.#releasable() <= this.#maxBytes - bytes
      ? Result.succeed(undefined)
      : Result.fail(this.#full())
  }

  read(after: Position.Position, limits: ReadLimits): Result.Result<ReadonlyArray<LogEntry>, StoreError> {
    const skipped = this.#offset(after)
    if (skipped === undefined) return Result.fail(this.#outOfRange(after))
    const found: Array<LogEntry> = []
    const before = this.#totals(skipped).bytes
    for (let place = skipped; place < this.#kept.length && found.length < limits.maxEntries; place++) {
      if (found.length > 0 && this.#kept.number(place, "allBytes") - before > limits.maxBytes) break
      found.push(this.#entry(place))
    }
    return Result.succeed(found)
  }

  locate(time: number): Position.Position {
    let low = 0
    let high = this.#kept.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#kept.number(middle, "appendedAt") < time) low = middle + 1
      else high = middle
    }
    return this.#positionOf(this.#dropped.entries + low)
  }

  bounds(): LogBounds {
    return {
      tail: this.#positionOf(this.#dropped.entries),
      head: this.head,
      bytes: this.#bytes,
      oldestAt: this.#kept.length === 0 ? null : this.#kept.number(0, "appendedAt"),
    }
  }

  stats(upTo: Position.Position): Result.Result<LogTotals, StoreError> {
    const covered = this.#offset(upTo)
    return covered === undefined ? Result.fail(this.#outOfRange(upTo)) : Result.succeed(this.#totals(covered))
  }

  trim(released: Position.Position, olderThan: number): void {
    this.#released = this.#generations.releasedBy(released)
    this.#dropWhile(() => this.#kept.number(0, "appendedAt") < olderThan)
  }

  /**
   * A fault, for tests: the log is again what it was when this was its head, and goes on from
   * there.
   */
  cutBack(head: Position.Position): void {
    const survivors = this.#offset(head)
    if (survivors === undefined) throw new RangeError("the log never ended there")
    const entries = Array.from({ length: survivors }, (_, place) => this.#entry(place))
    this.#kept = new EntryRows()
    this.#ids = new RecentIds(rememberedIds)
    this.#slabs = new Slabs()
    this.#appendedAt = Number.NEGATIVE_INFINITY
    for (const entry of entries) this.#push(entry, entry.appendedAt)
    const { current } = this.#generations
    const fork = { generation: current + 1, number: this.#headNumber }
    this.#generations = this.#generations.begin(fork, this.#dropped.entries)
  }

  get #headNumber(): number {
    return this.#dropped.entries + this.#kept.length
  }

  #positionOf(number: number): Position.Position {
    return this.#generations.positionOf(number)
  }

  get #bytes(): number {
    return this.#totals(this.#kept.length).bytes - this.#dropped.bytes
  }

  /** Up to so many of the entries kept. */
  #totals(covered: number): LogTotals {
    if (covered === 0) return this.#dropped
    return {
      entries: this.#dropped.entries + covered,
      events: this.#kept.number(covered - 1, "allEvents"),
      bytes: this.#kept.number(covered - 1, "allBytes"),
    }
  }

  /** The bytes are copied: those in the slab are written over once the entry is dropped. */
  #entry(place: number): LogEntry {
    const rows = this.#kept
    const bodyAt = rows.number(place, "bodyAt")
    const start = bodyAt - placeInWord(bodyAt)
    const idAt = rows.number(place, "idAt") - start
    const envelopeAt = rows.number(place, "envelopeAt") - start
    const bytes = rows.slab(place).bytes.slice(start, rows.number(place, "end"))
    return {
      id: decoder.decode(bytes.subarray(idAt, envelopeAt)),
      events: rows.number(place, "events"),
      envelope: decoder.decode(bytes.subarray(envelopeAt)),
      body: bytes.subarray(bodyAt - start, idAt),
      position: this.#positionOf(this.#dropped.entries + place + 1),
      appendedAt: rows.number(place, "appendedAt"),
    }
  }

  /** How many of the entries kept stand before or at a position; `undefined` outside the log. */
  #offset(position: Position.Position): number | undefined {
    const found = this.#generations.placeOf(position)
    if (found.kind !== "known") return undefined
    const offset = found.number - this.#dropped.entries
    return offset >= 0 && offset <= this.#kept.length ? offset : undefined
  }

  #full(): StoreError {
    return new StoreError({
      reason: { _tag: "Full" },
      message: `the log's ${this.#maxBytes} bytes are taken by entries not yet delivered`,
    })
  }

  #outOfRange(position: Position.Position): StoreError {
    const { tail, head } = this.bounds()
    const resumeAt = this.#generations.resumeAt(position, this.#dropped.entries)
    return new StoreError({
      reason: { _tag: "OutOfRange", tail, head, resumeAt },
      message: `position "${position}" is outside the log, which holds those after "${tail}" up to "${head}"`,
    })
  }

  #push(entry: NewEntry, now: number): void {
    this.#appendedAt = Math.max(now, this.#appendedAt)
    const { id, events, envelope, body } = entry
    const before = this.#totals(this.#kept.length)
    // A letter takes 3 bytes at the most.
    const slab = this.#slabs.take(word + body.byteLength + (id.length + envelope.length) * 3)
    const bodyAt = slab.used + placeInWord(body.byteOffset - slab.used)
    slab.bytes.set(body, bodyAt)
    const idAt = bodyAt + body.byteLength
    const envelopeAt = idAt + encoder.encodeInto(id, slab.bytes.subarray(idAt)).written
    slab.used = envelopeAt + encoder.encodeInto(envelope, slab.bytes.subarray(envelopeAt)).written
    this.#kept.push({
      slab,
      bodyAt,
      idAt,
      envelopeAt,
      end: slab.used,
      events,
      appendedAt: this.#appendedAt,
      allEvents: before.events + events,
      allBytes: before.bytes + sizeOf(entry),
    })
    this.#ids.add(id, before.entries + 1)
  }

  /** How many bytes are dropped whenever an append needs their room. */
  #releasable(): number {
    const released = Math.min(this.#released, this.#headNumber) - this.#dropped.entries
    return this.#totals(Math.max(released, 0)).bytes - this.#dropped.bytes
  }

  /** Drops nothing when dropping all that is released would not be enough. */
  #makeRoom(needed: number): boolean {
    const allowed = this.#maxBytes - needed
    if (this.#bytes <= allowed) return true
    if (this.#bytes - this.#releasable() > allowed) return false
    this.#dropWhile(() => this.#bytes > allowed)
    return true
  }

  /** Drops released entries, the oldest first. */
  #dropWhile(condition: () => boolean): void {
    while (this.#kept.length > 0 && this.#dropped.entries < this.#released && condition()) {
      const slab = this.#kept.slab(0)
      this.#dropped = this.#totals(1)
      this.#kept.shift()
      this.#slabs.release(slab)
    }
  }
}
