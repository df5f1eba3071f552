import type { EventLog } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { corrupt, OutsideLog } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { idsOf, numberOf, type PackedEntries, sizeIn } from "../packing.ts"
import { number } from "../row.ts"
import {
  insertEntries,
  type Kept,
  type Mark,
  markAtEnd,
  marksOf,
  readEntries,
  rowsBetween,
  rowWith,
} from "./EntryRows.ts"
import { RecentIds } from "./RecentIds.ts"
import type { Appended, Dropped, PackedAppends } from "./records.ts"

// Positions are numbers here, 0 in front of the first: the other thread makes them the port's text.

export interface Bounds {
  readonly tail: number
  readonly head: number
  readonly bytes: number
  readonly oldestAt: number | null
}

export interface ReadEntries extends PackedEntries {
  /** The position of the first one; the others follow without a gap. */
  readonly first: number
}

interface Appending {
  readonly appended: Appended
  /** To be called when the transaction has been committed. */
  readonly committed: () => void
}

interface Ends {
  /** The last entry dropped. */
  readonly tail: Mark
  /** The last entry appended. */
  readonly head: Mark
  /** The last entry that lies behind all cursors. */
  readonly released: number
}

/** What one call deletes at most: a few ms, so that it does not hold up appends. */
const droppedAtOnce = { entries: 1_000, bytes: 4 * 1024 * 1024 }

export const log = (connection: Connection, { maxBytes }: Limits["log"]) => {
  const recent = new RecentIds()

  const markAt = (position: number): Mark => {
    const row = rowWith(connection, position)
    return marksOf(row)[position - row.first] ?? row.mark
  }

  const head = (): number => {
    const row = connection.get("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")
    return row === undefined ? 0 : number(row, "seq")
  }

  const ends = (): Ends => {
    const row = connection.get("SELECT * FROM log")
    if (row === undefined) throw corrupt("the log's row is missing")
    const tail: Mark = {
      position: number(row, "tail"),
      at: number(row, "tail_at"),
      events: number(row, "tail_events"),
      bytes: number(row, "tail_bytes"),
    }
    const last = head()
    return {
      tail,
      head: last > tail.position ? markAtEnd(connection, last) : tail,
      released: Math.min(number(row, "released"), last),
    }
  }

  const markIn = ({ tail }: Ends, position: number): Mark =>
    position > tail.position ? markAt(position) : tail

  /**
   * The last of the positions after `low`, up to `high`, for which a condition holds that no longer holds for any after
   * the first it does not hold for; `low` when there is none.
   */
  const lastWhile = (low: number, high: number, holds: (mark: Mark) => boolean): number => {
    if (high <= low || holds(markAt(high))) return Math.max(low, high)
    let inside = low
    let outside = high
    while (inside + 1 < outside) {
      const marks = marksOf(rowWith(connection, Math.floor((inside + outside) / 2))).filter(
        ({ position }) => position > inside && position < outside,
      )
      const end = marks.findIndex((mark) => !holds(mark))
      const last = marks[end < 0 ? marks.length - 1 : end - 1]
      if (last !== undefined) inside = last.position
      outside = marks[end]?.position ?? outside
    }
    return inside
  }

  /** Drops the entries up to a position, save for the ids that a retry may still bring. */
  const dropUpTo = (position: number, { head }: Ends): Mark => {
    const tail = markAt(position)
    const known = head.position - RecentIds.promised
    connection.run("DELETE FROM trimmed_ids WHERE position <= ?", known)
    for (const row of rowsBetween(connection, known, position)) {
      // Of a row that stays, they stay with it.
      if (row.mark.position > position) break
      for (const [entry, id] of idsOf(row).entries()) {
        const place = row.first + entry
        if (place > known) connection.run("INSERT INTO trimmed_ids VALUES (?, ?)", place, id)
      }
    }
    connection.run("DELETE FROM entries WHERE position <= ?", position)
    connection.run(
      "UPDATE log SET tail = ?, tail_at = ?, tail_events = ?, tail_bytes = ?",
      tail.position,
      tail.at,
      tail.events,
      tail.bytes,
    )
    return tail
  }

  /** Whether so many bytes more fit behind an entry, were all up to it dropped. */
  const fitsBehind =
    (needed: number, { head }: Ends) =>
    ({ bytes }: Mark): boolean =>
      head.bytes - bytes <= maxBytes - needed

  /** Drops what has to go for so many bytes more. `undefined`, and nothing dropped, when that would not be enough. */
  const makeRoom = (needed: number, now: Ends): Ends | undefined => {
    const fits = fitsBehind(needed, now)
    if (fits(now.tail)) return now
    if (!fits(markIn(now, now.released))) return undefined
    const last = lastWhile(now.tail.position, now.released, (mark) => !fits(mark)) + 1
    return { ...now, tail: dropUpTo(last, now) }
  }

  const inside = (position: number): Ends => {
    const found = ends()
    // Written so that what is not a number is outside.
    if (position >= found.tail.position && position <= found.head.position) return found
    throw new OutsideLog(found.tail.position, found.head.position)
  }

  return {
    /** In the transaction of the caller. */
    append(packed: PackedAppends): Appending {
      let now = ends()
      recent.readUpTo(connection, now.head.position)
      const { index, counts } = packed
      const ids = idsOf(packed)
      const positions = new Float64Array(ids.length)
      const times = new Float64Array(ids.length).fill(Number.NaN)
      const kept: Array<Kept> = []
      const added = new Map<string, number>()
      let end = 0
      for (const count of counts) {
        const first = end
        end += count
        const before = kept.length
        let last = now.head
        let needed = 0
        for (let entry = first; entry < end; entry++) {
          const id = ids[entry] ?? ""
          const known = added.get(id) ?? recent.positionOf(id)
          positions[entry] = known ?? last.position + 1
          if (known !== undefined) continue
          const size = sizeIn(index, entry)
          needed += size
          last = {
            position: last.position + 1,
            // The clock may be set back, the log's order of time is not.
            at: Math.max(numberOf(index, entry, "appendedAt"), last.at),
            events: last.events + numberOf(index, entry, "events"),
            bytes: last.bytes + size,
          }
          kept.push({ entry, mark: last })
          added.set(id, last.position)
        }
        const roomy = makeRoom(needed, now)
        if (roomy === undefined) {
          for (const { entry } of kept.splice(before)) added.delete(ids[entry] ?? "")
          positions.fill(0, first, end)
        } else now = { ...roomy, head: last }
      }
      insertEntries(connection, packed, kept)
      for (const { entry, mark } of kept) times[entry] = mark.at
      return {
        appended: { positions, times, tail: now.tail.position },
        committed: () => recent.add(added),
      }
    },

    /** The entries after a position. */
    read(after: number, limits: EventLog.ReadLimits): ReadEntries {
      const now = inside(after)
      const upTo = Math.min(after + limits.maxEntries, now.head.position)
      const start = markIn(now, after).bytes
      const last = Math.max(
        lastWhile(after, upTo, (mark) => mark.bytes - start <= limits.maxBytes),
        // However large the first one is.
        Math.min(after + 1, upTo),
      )
      return { ...readEntries(connection, after, last), first: after + 1 }
    },

    /** The position to read after, to begin with the first entry kept that was appended at or after a time. */
    locate(time: number): number {
      const now = ends()
      return lastWhile(now.tail.position, now.head.position, (mark) => mark.at < time)
    },

    bounds(): Bounds {
      const { tail, head } = ends()
      return {
        tail: tail.position,
        head: head.position,
        bytes: head.bytes - tail.bytes,
        oldestAt: head.position > tail.position ? markAt(tail.position + 1).at : null,
      }
    },

    head,

    stats(upTo: number): EventLog.LogTotals {
      const { position, events, bytes } = markIn(inside(upTo), upTo)
      return { entries: position, events, bytes }
    },

    /** Whether an append of so many bytes would find room. It writes something and takes it back, so that a commit of it goes to the disk as one of an append does. */
    probe(needed: number): boolean {
      connection.run("INSERT INTO trimmed_ids VALUES (0, '')")
      connection.run("DELETE FROM trimmed_ids WHERE position = 0")
      const now = ends()
      return fitsBehind(needed, now)(markIn(now, now.released))
    },

    /** Says that the entries up to a position lie behind all cursors. */
    release(position: number): void {
      // What no log of this kind made (not a number) releases nothing.
      connection.run("UPDATE log SET released = ?", Number.isNaN(position) ? 0 : position)
    },

    /** Drops some of the released entries appended before a time. */
    dropOlder(olderThan: number): Dropped {
      const now = ends()
      const { tail, released } = now
      const upTo = Math.min(released, tail.position + droppedAtOnce.entries)
      const old = lastWhile(tail.position, upTo, (mark) => mark.at < olderThan)
      if (old <= tail.position) return { tail: tail.position, more: false }
      const some = lastWhile(tail.position, old, (mark) => mark.bytes - tail.bytes <= droppedAtOnce.bytes)
      const dropped = dropUpTo(Math.max(some, tail.position + 1), now)
      return {
        tail: dropped.position,
        more: dropped.position < released && markAt(dropped.position + 1).at < olderThan,
      }
    },
  }
}

export type LogTable = ReturnType<typeof log>
