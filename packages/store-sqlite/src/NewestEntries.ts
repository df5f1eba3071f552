import type { EventLog } from "@millrace/core"
import { toEntries } from "./entries.ts"
import { bufferOf, column, countOf, type PackedEntries, sizeIn, width } from "./packing.ts"
import type { Appended } from "./protocol.ts"

/** In bytes: four of the largest reads of whoever follows the log. Who is further behind reads from the file. */
export const maxHeld = 4 * 1024 * 1024

/** Entries that were written together. */
interface Group {
  /** The position of the first of them; the others follow without a gap. */
  readonly first: number
  readonly packed: PackedEntries
  /** Views of the packed bytes; `null` until somebody reads one of them. */
  entries: ReadonlyArray<EventLog.LogEntry> | null
}

const lastOf = ({ first, packed }: Group): number => first + countOf(packed) - 1

const entriesOf = (group: Group): ReadonlyArray<EventLog.LogEntry> => {
  group.entries ??= toEntries(group.packed, group.first)
  return group.entries
}

/** Undefined when not all of them were appended, each behind the one in front of it. */
const toGroup = (packed: PackedEntries, { positions, times }: Appended): Group | undefined => {
  const first = positions[0]
  if (first === undefined) return undefined
  const whole = positions.every((position, place) => position === first + place)
  if (!whole || times.some(Number.isNaN)) return undefined
  for (const [place, time] of times.entries()) packed.index[place * width + column.appendedAt] = time
  return { first, packed, entries: null }
}

/** By the path of their file: what one opening drops, no other of this process is to show any more. */
const openings = new Map<string, Set<NewestEntries>>()

/**
 * The newest entries of a log, to be read without the file: as they were packed to be written, so that keeping them costs
 * next to nothing. Bytes that nobody has read are given back in the end, for later entries to be packed in.
 *
 * What another process drops from the log is shown until this one is told of it.
 */
export class NewestEntries {
  readonly #path: string
  /** Consecutive. */
  readonly #groups: Array<Group> = []
  /** Of the groups' buffers. */
  #held = 0
  /** The last entry known to be dropped from the log. */
  #tail = 0

  constructor(path: string) {
    this.#path = path
    openings.set(path, (openings.get(path) ?? new Set()).add(this))
  }

  /**
   * Takes what has been committed, in the order of commits.
   *
   * @param packed in a buffer that belongs to this from now on
   * @returns buffers that are not needed any more
   */
  add(packed: PackedEntries, appended: Appended): ReadonlyArray<ArrayBuffer> {
    this.dropped(appended.tail)
    const buffer = bufferOf(packed)
    const group = buffer.byteLength <= maxHeld ? toGroup(packed, appended) : undefined
    if (group === undefined) return [buffer, ...this.#forget(this.#groups.length)]
    const last = this.#groups.at(-1)
    const follows = last === undefined || lastOf(last) + 1 === group.first
    const free = follows ? [] : [...this.#forget(this.#groups.length)]
    this.#groups.push(group)
    this.#held += buffer.byteLength
    while (this.#held > maxHeld) free.push(...this.#forget(1))
    return free
  }

  /** Says that the log has dropped the entries up to a position. */
  dropped(tail: number): void {
    for (const opening of openings.get(this.#path) ?? []) opening.#tail = Math.max(opening.#tail, tail)
  }

  /**
   * The entries after a position, as the log's `read` has it.
   *
   * @returns `undefined` when they are not here; also at the head, behind which another process may have appended
   */
  read(
    after: number,
    { maxEntries, maxBytes }: EventLog.ReadLimits,
  ): ReadonlyArray<EventLog.LogEntry> | undefined {
    const start = this.#groups.findLastIndex(({ first }) => first <= after + 1)
    const next = this.#groups[start]
    if (next === undefined || lastOf(next) <= after || after < this.#tail) return undefined
    const found: Array<EventLog.LogEntry> = []
    let bytes = 0
    for (const group of this.#groups.slice(start)) {
      for (let place = Math.max(after + 1 - group.first, 0); place < countOf(group.packed); place++) {
        bytes += sizeIn(group.packed.index, place)
        if (found.length >= maxEntries || (found.length > 0 && bytes > maxBytes)) return found
        found.push(entriesOf(group)[place]!)
      }
    }
    return found
  }

  close(): void {
    this.#forget(this.#groups.length)
    const others = openings.get(this.#path)
    others?.delete(this)
    if (others?.size === 0) openings.delete(this.#path)
  }

  /** Forgets the oldest groups. Returns the buffers of which nobody has a view. */
  #forget(count: number): ReadonlyArray<ArrayBuffer> {
    const gone = this.#groups.splice(0, count)
    for (const { packed } of gone) this.#held -= bufferOf(packed).byteLength
    return gone.filter(({ entries }) => entries === null).map(({ packed }) => bufferOf(packed))
  }
}
