import { type EventLog, Position } from "@millrace/core/store"
import { toEntries, withCopies } from "./entries.ts"
import {
  column,
  countOf,
  type Group,
  type PackedEntries,
  pack,
  roomOf,
  sizeIn,
  unpack,
  width,
} from "./packing.ts"
import type { Appended } from "./tables/records.ts"

/**
 * In bytes: beside the largest group there is room for four of the largest reads of whoever follows
 * the log. A reader that is further behind reads from the file.
 */
export const room = 8 * 1024 * 1024

/**
 * A thousand groups of one small entry are a second of light traffic, and objects for as many
 * seconds more are better not kept.
 */
export const mostGroups = 1_000

/** Entries that were written together. */
interface Written {
  /** The position of the first of them; the others follow without a gap. */
  readonly first: number
  readonly packed: PackedEntries
}

const lastOf = ({ first, packed }: Written): number => first + countOf(packed) - 1

/** Undefined when not all of them were appended, each behind the one in front of it. */
const toWritten = (packed: PackedEntries, { positions, times }: Appended): Written | undefined => {
  const first = positions[0]
  if (first === undefined) return undefined
  const whole = positions.every((position, place) => position === first + place)
  if (!whole || times.some(Number.isNaN)) return undefined
  for (const [place, time] of times.entries()) packed.index[place * width + column.appendedAt] = time
  return { first, packed }
}

/**
 * By the path of their file: what one opening drops, no other of this process is to show any more.
 */
const openings = new Map<string, Set<NewestEntries>>()

/** Whether this process has a store's file open, by the same path. */
export const isOpenHere = (path: string): boolean => openings.has(path)

/**
 * Where entries are packed to be written, in memory that the writing thread shares, and where they
 * can be read without the file until later ones need the room.
 *
 * It is used again and again: memory of their own for the entries of each group outlives what V8
 * looks through often, and would be freed only by a collection of everything. Memory that is handed
 * over instead of shared makes each access to any typed array of the program slower from then on,
 * and memory that is cloned is garbage on the other side.
 *
 * What another process drops from the log is shown until this one is told of it.
 */
export class NewestEntries {
  readonly #path: string
  readonly #positionOf: (number: number) => Position.Position
  readonly #memory = new SharedArrayBuffer(room)
  /** Where in it the last group ends. */
  #end = 0
  /** Consecutive. */
  #written: Array<Written> = []
  /** The last entry known to be dropped from the log. */
  #tail = 0

  /** @param positionOf the position of an entry, by its number in the log */
  constructor(path: string, positionOf: (number: number) => Position.Position = Position.fromNumber) {
    this.#path = path
    this.#positionOf = positionOf
    openings.set(path, (openings.get(path) ?? new Set()).add(this))
  }

  /** Packs what is to be written next. It stays as it is until the next call. */
  pack(groups: ReadonlyArray<Group>): PackedEntries {
    const needed = roomOf(groups)
    return needed > room
      ? pack(groups, new SharedArrayBuffer(needed), 0)
      : pack(groups, this.#memory, this.#place(needed))
  }

  /** Takes what has been committed, in the order of commits. */
  add(packed: PackedEntries, appended: Appended): void {
    this.dropped(appended.tail)
    const written = packed.index.buffer === this.#memory ? toWritten(packed, appended) : undefined
    const last = this.#written.at(-1)
    if (last !== undefined && lastOf(last) + 1 !== written?.first) this.#written = []
    if (written !== undefined) this.#written.push(written)
    if (this.#written.length > mostGroups) this.#written.shift()
  }

  /** Says that the log has dropped the entries up to a position. */
  dropped(tail: number): void {
    for (const opening of openings.get(this.#path) ?? []) opening.#tail = Math.max(opening.#tail, tail)
  }

  /** Shows nothing that is here: the log may have other entries in their places. */
  forget(): void {
    for (const opening of openings.get(this.#path) ?? []) {
      opening.#written = []
      opening.#tail = 0
    }
  }

  /**
   * The entries after a position, as the log's `read` has it.
   *
   * @returns `undefined` when they are not here; also at the head, behind which another process may
   *   have appended
   */
  read(
    after: number,
    { maxEntries, maxBytes }: EventLog.ReadLimits,
    wants: (envelope: string) => boolean = () => true,
  ): ReadonlyArray<EventLog.LogEntry> | undefined {
    const start = this.#written.findLastIndex(({ first }) => first <= after + 1)
    const next = this.#written[start]
    if (next === undefined || lastOf(next) <= after || after < this.#tail) return undefined
    let entries = 0
    let bytes = 0
    const fits = (size: number): boolean => {
      entries += 1
      bytes += size
      return entries <= maxEntries && (entries === 1 || bytes <= maxBytes)
    }
    const found: Array<EventLog.LogEntry> = []
    for (let group = start; group < this.#written.length; group++) {
      const { first, packed } = this.#written[group]!
      const from = Math.max(after + 1 - first, 0)
      let to = from
      while (to < countOf(packed) && fits(sizeIn(packed.index, to))) to += 1
      found.push(...toEntries(withCopies(unpack(packed, from, to), wants), first + from, this.#positionOf))
      if (to < countOf(packed)) break
    }
    return found
  }

  close(): void {
    this.#written = []
    const others = openings.get(this.#path)
    others?.delete(this)
    if (others?.size === 0) openings.delete(this.#path)
  }

  /**
   * Where so many bytes are to be written. What stands there is forgotten, with all that is older.
   */
  #place(needed: number): number {
    const isRoomAhead = this.#end + needed <= room
    const begin = isRoomAhead ? this.#end : 0
    const end = begin + needed
    const stays = this.#written.findIndex(({ packed: { index } }) =>
      isRoomAhead
        ? index.byteOffset < begin || index.byteOffset >= end
        : index.byteOffset >= end && index.byteOffset < this.#end,
    )
    this.#written.splice(0, stays < 0 ? this.#written.length : stays)
    this.#end = end
    return begin
  }
}
