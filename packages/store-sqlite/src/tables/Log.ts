import type { EventLog } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { AnotherGeneration, corrupt, OutsideLog } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { idsOf, indexed, numberOf, type PackedEntries, sizeIn } from "../packing.ts"
import type { Space } from "../Room.ts"
import { number } from "../row.ts"
import {
  insertEntries,
  type Kept,
  markAtEnd,
  marksOf,
  readEntries,
  rowsBetween,
  rowWith,
} from "./EntryRows.ts"
import { generationIn, Lineage } from "./Lineage.ts"
import { RecentIds } from "./RecentIds.ts"
import type { Appended, Dropped, Ends, Known, LogNews, Mark, PackedAppends } from "./records.ts"

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
  /** The last entry now. */
  readonly head: Mark
  /** To be called when the transaction has been committed. */
  readonly committed: () => void
}

/** A transaction that writes to a log that is known. */
interface Entered {
  readonly news: LogNews
  readonly ends: Ends
}

/** What one call deletes at most: a few ms, so that it does not hold up appends. */
const droppedAtOnce = { entries: 1_000, bytes: 4 * 1024 * 1024 }

/**
 * What gives way to an append at least, in bytes: as much as a row holds, so that pages become
 * free.
 */
const leastDropped = 256 * 1024

/**
 * What an entry takes beside its envelope and body, in bytes: its id, and its numbers in an index.
 */
const besideEntry = 32 + indexed

/** Whether there is room for an append, and what had to be dropped for it. */
interface Roomy {
  readonly now: Ends
  /** Why there is none; `null` when there is. */
  readonly full: string | null
}

/** What a log depends on beside its file. */
export interface LogSurroundings {
  /** That the disk has: of less than the cap, where that is more than it holds. */
  readonly space: Space
  /** What this process has seen of the log; `null` at first. */
  readonly known: Known | null
}

export const log = (
  connection: Connection,
  { maxBytes }: Limits["log"],
  { space, known }: LogSurroundings,
) => {
  let recent = new RecentIds()

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
   * The last of the positions after `low`, up to `high`, for which a condition holds that no longer
   * holds for any after the first it does not hold for; `low` when there is none.
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
      // They stay with a row that stays.
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

  /**
   * Drops released entries, oldest first, of about so many bytes. `undefined` when there are none.
   */
  const dropSome = (bytes: number, now: Ends): Ends | undefined => {
    const { tail, released } = now
    if (released <= tail.position) return undefined
    const last = lastWhile(tail.position, released, (mark) => mark.bytes - tail.bytes <= bytes)
    return { ...now, tail: dropUpTo(Math.max(last, tail.position + 1), now) }
  }

  /**
   * Drops what has to go for so many bytes more under the cap, and nothing when that would not be
   * enough.
   */
  const makeRoomInCap = (needed: number, now: Ends): Roomy => {
    const fits = fitsBehind(needed, now)
    if (fits(now.tail)) return { now, full: null }
    if (!fits(markIn(now, now.released))) return { now, full: capReached }
    const last = lastWhile(now.tail.position, now.released, (mark) => !fits(mark)) + 1
    return { now: { ...now, tail: dropUpTo(last, now) }, full: null }
  }

  /**
   * Drops what has to go for so many bytes more on the disk, and all that is released when that is
   * not enough: it is not known before.
   */
  const makeRoomOnDisk = (needed: number, { now, full }: Roomy): Roomy => {
    if (full !== null || space.has(needed)) return { now, full }
    const problem = space.problem(needed)
    if (problem !== null) return { now, full: problem }
    const next = dropSome(Math.max(needed, leastDropped), now)
    return next === undefined ? { now, full: diskFilled(now) } : makeRoomOnDisk(needed, { now: next, full })
  }

  const capReached = `the log's ${maxBytes} bytes are taken by entries not yet delivered`

  const diskFilled = ({ head, tail }: Ends): string =>
    `the disk holds no more than the ${head.bytes - tail.bytes} bytes of entries that are not yet delivered`

  const lineage = new Lineage(connection, { markAt, lastWhile }, known)

  /** Positions mean something else in another generation. */
  const requireGeneration = (generation: number): void => {
    if (generationIn(connection) !== generation) throw new AnotherGeneration()
  }

  const inside = (position: number): Ends => {
    const found = ends()
    // Written so that what is not a number is outside.
    if (position >= found.tail.position && position <= found.head.position) return found
    throw new OutsideLog(found.tail.position, found.head.position)
  }

  return {
    /** What a transaction that writes begins with. */
    enter(): Entered {
      const found = ends()
      const news = lineage.enter(found)
      if (news.lost !== null) recent = new RecentIds()
      return { news, ends: found }
    },

    /**
     * To be called when the transaction has been committed, with what was entered and the last
     * entry now.
     */
    settle: (known: Known): void => lineage.settle(known),

    /** In the transaction of the caller. */
    append(packed: PackedAppends, entered: Entered): Appending {
      let now = entered.ends
      recent.readUpTo(connection, now.head.position)
      const { index, counts } = packed
      const ids = idsOf(packed)
      const positions = new Float64Array(ids.length)
      const times = new Float64Array(ids.length).fill(Number.NaN)
      const kept: Array<Kept> = []
      const added = new Map<string, number>()
      let full: string | null = null
      /** To be written when all are known. */
      let waiting = 0
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
        // What is known already needs none.
        if (kept.length === before) continue
        const taken = needed + (kept.length - before) * besideEntry
        const roomy = makeRoomOnDisk(waiting + taken, makeRoomInCap(needed, now))
        now = roomy.now
        if (roomy.full !== null) {
          for (const { entry } of kept.splice(before)) added.delete(ids[entry] ?? "")
          positions.fill(0, first, end)
          full = roomy.full
          continue
        }
        now = { ...now, head: last }
        waiting += taken
      }
      insertEntries(connection, packed, kept)
      for (const { entry, mark } of kept) times[entry] = mark.at
      return {
        appended: { positions, times, tail: now.tail.position, full },
        head: now.head,
        committed: () => recent.add(added),
      }
    },

    /** The entries after a position. */
    read(generation: number, after: number, limits: EventLog.ReadLimits): ReadEntries {
      requireGeneration(generation)
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

    /**
     * The position to read after, to begin with the first entry kept that was appended at or after
     * a time.
     */
    locate(generation: number, time: number): number {
      requireGeneration(generation)
      const now = ends()
      return lastWhile(now.tail.position, now.head.position, (mark) => mark.at < time)
    },

    bounds(generation: number): Bounds {
      requireGeneration(generation)
      const { tail, head } = ends()
      return {
        tail: tail.position,
        head: head.position,
        bytes: head.bytes - tail.bytes,
        oldestAt: head.position > tail.position ? markAt(tail.position + 1).at : null,
      }
    },

    head,

    stats(generation: number, upTo: number): EventLog.LogTotals {
      requireGeneration(generation)
      const { position, events, bytes } = markIn(inside(upTo), upTo)
      return { entries: position, events, bytes }
    },

    /**
     * Why an append of so many bytes would find no room; `null` when it would. It writes something
     * and takes it back, so that a commit of it goes to the disk as one of an append does.
     */
    probe(needed: number): string | null {
      connection.run("INSERT INTO trimmed_ids VALUES (0, '')")
      connection.run("DELETE FROM trimmed_ids WHERE position = 0")
      const now = ends()
      // The pages that an append changes.
      connection.run("SAVEPOINT probe")
      connection.run(
        `INSERT INTO entries (position, appended_at, events, total_events, total_bytes, id, envelope, body)
         VALUES (?, 0, 0, 0, 0, '', '', '')`,
        now.head.position + 1,
      )
      connection.run("ROLLBACK TO probe")
      connection.run("RELEASE probe")
      const released = markIn(now, now.released)
      if (!fitsBehind(needed, now)(released)) return capReached
      // In the pages of what is released another entry will be.
      if (space.has(needed) || released.bytes - now.tail.bytes >= needed) return space.problem(needed)
      return space.problem(needed) ?? diskFilled(now)
    },

    /**
     * Drops released entries of about so many bytes, however old. Returns whether there were any.
     */
    dropSome(bytes: number): boolean {
      return dropSome(bytes, ends()) !== undefined
    },

    /**
     * Says that the entries up to a position of a generation lie behind all cursors. Returns
     * whether the log still is of that generation; if not, nothing is done.
     */
    release(generation: number, position: number): boolean {
      if (generationIn(connection) !== generation) return false
      connection.run("UPDATE log SET released = ?", position)
      return true
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
