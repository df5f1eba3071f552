import type { EventLog } from "@millrace/core/store"
import type { Place, RecordIndex } from "./LogRecord.ts"

/** An id is known at least as long as this many newer ones: ten times what the port promises. */
const remembered = 10_000

/**
 * What the port promises. How many are known also after trimming and reopening: their messages are
 * kept.
 */
export const promised = 1_000

interface Kept {
  /** The sequence number of its first message. */
  readonly first: number
  /** Entries up to its end, from the first ever. */
  readonly entries: number
}

/** The places of the last entries by their ids. */
export class RecentIds {
  // Two generations, the older one forgotten whole: no bookkeeping per id.
  #newer = new Map<EventLog.EntryId, Place>()
  #older = new Map<EventLog.EntryId, Place>()
  /** The records that hold the last promised entries. */
  #records: Array<Kept> = []

  placeOf(id: EventLog.EntryId): Place | undefined {
    return this.#newer.get(id) ?? this.#older.get(id)
  }

  /** Whether the last entry of a record is known, and at the very place. */
  has({ after, pieces }: RecordIndex): boolean {
    const last = pieces.at(-1)
    return last !== undefined && this.placeOf(last.id) === after.place
  }

  /**
   * The sequence number from which on messages are kept for their ids; `undefined` while there are
   * none.
   */
  get floor(): number | undefined {
    return this.#records[0]?.first
  }

  add({ seq, messages, after, pieces }: RecordIndex): void {
    if (this.#newer.size >= remembered) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    const firstPlace = after.place - (pieces.length - 1)
    for (const [index, { id }] of pieces.entries()) this.#newer.set(id, firstPlace + index)
    this.#records.push({ first: seq - messages + 1, entries: after.entries })
    const needed = this.#records.findIndex(({ entries }) => entries > after.entries - promised)
    if (needed > 0) this.#records.splice(0, needed)
  }

  /**
   * The newest up to a place, each with its own: what their messages say, should those have to go.
   */
  snapshot(upTo: Place): ReadonlyArray<readonly [id: EventLog.EntryId, place: Place]> {
    return [...this.#older, ...this.#newer].slice(-promised).filter(([, place]) => place <= upTo)
  }

  /** Ids of a snapshot: older than those known. */
  restore(snapshot: ReadonlyArray<readonly [id: EventLog.EntryId, place: Place]>): void {
    for (const [id, place] of snapshot) if (this.placeOf(id) === undefined) this.#older.set(id, place)
  }

  clear(): void {
    this.#newer = new Map()
    this.#older = new Map()
    this.#records = []
  }
}
