import type { Connection } from "../Connection.ts"
import { idsOf } from "../packing.ts"
import { number, text } from "../row.ts"
import { rowsBetween } from "./EntryRows.ts"

/**
 * The positions of the last entries by their ids, in memory: an index on disk would cost every
 * entry a page of its own, ids being random.
 */
export class RecentIds {
  /**
   * An id is known at least as long as this many newer ones: twice what the port promises. More of
   * them miss the processor's caches.
   */
  static readonly remembered = 2_000
  /** What the port promises: so many are known also after trimming and reopening. */
  static readonly promised = 1_000

  // Two generations, the older one forgotten whole: no bookkeeping per id.
  #newer = new Map<string, number>()
  #older = new Map<string, number>()
  /** The position up to which they have been read. */
  #upTo = 0

  positionOf(id: string): number | undefined {
    return this.#newer.get(id) ?? this.#older.get(id)
  }

  /**
   * Reads those that the file has more of: all of them at first, then those that another process
   * has appended.
   */
  readUpTo(connection: Connection, head: number): void {
    if (head === this.#upTo) return
    const after = Math.max(this.#upTo, head - RecentIds.remembered)
    const trimmed = connection.all(
      "SELECT position, id FROM trimmed_ids WHERE position > ? ORDER BY position",
      after,
    )
    for (const row of trimmed) this.#add(text(row, "id"), number(row, "position"))
    for (const row of rowsBetween(connection, after, head)) {
      for (const [entry, id] of idsOf(row).entries()) this.#add(id, row.first + entry)
    }
    this.#upTo = head
  }

  /** For entries whose transaction has been committed. */
  add(ids: ReadonlyMap<string, number>): void {
    for (const [id, position] of ids) {
      this.#add(id, position)
      this.#upTo = position
    }
  }

  #add(id: string, position: number): void {
    if (this.#newer.size >= RecentIds.remembered) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(id, position)
  }
}
