import type { EventLog } from "@millrace/core"
import type { Connection } from "../Connection.ts"
import { corrupt, OutsideLog } from "../errors.ts"
import { type PackedEntries, packRaw, type RawEntry, unpack } from "../packing.ts"
import type { Limits, PackedAppends } from "../protocol.ts"
import { bytes, number, text } from "../row.ts"
import { RecentIds } from "./RecentIds.ts"

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
  readonly appendedAt: Float64Array
}

export interface Appended {
  /** Of each entry; 0 for those of an append that found the log full. */
  readonly positions: Float64Array
  /** To be called when the transaction has been committed. */
  readonly committed: () => void
}

/** The log up to one entry: its sums, and when that entry was appended. */
interface Mark {
  readonly position: number
  readonly at: number
  readonly events: number
  readonly bytes: number
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
    const row = connection.get(
      "SELECT appended_at, total_events, total_bytes FROM entries WHERE position = ?",
      position,
    )
    if (row === undefined) throw corrupt(`the log's entry ${position} is missing`)
    return {
      position,
      at: number(row, "appended_at"),
      events: number(row, "total_events"),
      bytes: number(row, "total_bytes"),
    }
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
      head: last > tail.position ? markAt(last) : tail,
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
      const middle = Math.floor((inside + outside) / 2)
      if (holds(markAt(middle))) inside = middle
      else outside = middle
    }
    return inside
  }

  /** Drops the entries up to a position, save for the ids that a retry may still bring. */
  const dropUpTo = (position: number, { head }: Ends): Mark => {
    const tail = markAt(position)
    const known = head.position - RecentIds.promised
    connection.run("DELETE FROM trimmed_ids WHERE position <= ?", known)
    connection.run(
      "INSERT INTO trimmed_ids SELECT position, id FROM entries WHERE position > ? AND position <= ?",
      known,
      position,
    )
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

  /** Drops what has to go for so many bytes more. `undefined`, and nothing dropped, when that would not be enough. */
  const makeRoom = (needed: number, now: Ends): Ends | undefined => {
    const allowed = maxBytes - needed
    const fits = (tail: Mark): boolean => now.head.bytes - tail.bytes <= allowed
    if (fits(now.tail)) return now
    if (!fits(markIn(now, now.released))) return undefined
    const last = lastWhile(now.tail.position, now.released, (mark) => !fits(mark)) + 1
    return { ...now, tail: dropUpTo(last, now) }
  }

  const push = ({ id, events, envelope, body }: RawEntry, at: number, last: Mark): Mark => {
    const mark: Mark = {
      position: last.position + 1,
      at,
      events: last.events + events,
      bytes: last.bytes + envelope.byteLength + body.byteLength,
    }
    connection.run(
      `INSERT INTO entries (position, appended_at, events, total_events, total_bytes, id, envelope, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      mark.position,
      mark.at,
      events,
      mark.events,
      mark.bytes,
      id,
      envelope,
      body,
    )
    return mark
  }

  const inside = (position: number): Ends => {
    const found = ends()
    // Written so that what is not a number is outside.
    if (position >= found.tail.position && position <= found.head.position) return found
    throw new OutsideLog(found.tail.position, found.head.position)
  }

  return {
    /** In the transaction of the caller. */
    append(packed: PackedAppends): Appended {
      let now = ends()
      recent.readUpTo(connection, now.head.position)
      const entries = unpack(packed)
      const positions = new Float64Array(entries.length)
      const added = new Map<string, number>()
      let offset = 0
      for (const [index, count] of packed.counts.entries()) {
        const first = offset
        offset += count
        const fresh = new Map<string, RawEntry>()
        for (const entry of entries.slice(first, offset)) {
          const { id } = entry
          if (recent.positionOf(id) === undefined && !added.has(id) && !fresh.has(id)) fresh.set(id, entry)
        }
        let needed = 0
        for (const { envelope, body } of fresh.values()) needed += envelope.byteLength + body.byteLength
        const roomy = makeRoom(needed, now)
        if (roomy === undefined) continue
        now = roomy
        // The clock may be set back, the log's order of time is not.
        const at = Math.max(packed.times[index] ?? 0, now.head.at)
        for (const [id, entry] of fresh) {
          now = { ...now, head: push(entry, at, now.head) }
          added.set(id, now.head.position)
        }
        for (let place = first; place < offset; place++) {
          const id = packed.ids[place] ?? ""
          positions[place] = added.get(id) ?? recent.positionOf(id) ?? 0
        }
      }
      return { positions, committed: () => recent.add(added) }
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
      const rows = connection.all(
        `SELECT appended_at, events, id, envelope, body FROM entries
         WHERE position > ? AND position <= ? ORDER BY position`,
        after,
        last,
      )
      if (rows.length !== last - after) throw corrupt(`entries between ${after} and ${last} are missing`)
      const packed = packRaw(
        rows.map((row) => ({
          id: text(row, "id"),
          events: number(row, "events"),
          envelope: bytes(row, "envelope"),
          body: bytes(row, "body"),
        })),
      )
      return {
        ...packed,
        first: after + 1,
        appendedAt: Float64Array.from(rows, (row) => number(row, "appended_at")),
      }
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

    /** Says that the entries up to a position lie behind all cursors. */
    release(position: number): void {
      // What no log of this kind made (not a number) releases nothing.
      connection.run("UPDATE log SET released = ?", Number.isNaN(position) ? 0 : position)
    },

    /** Drops some of the released entries appended before a time. Returns whether there are more of them. */
    dropOlder(olderThan: number): boolean {
      const now = ends()
      const { tail, released } = now
      const upTo = Math.min(released, tail.position + droppedAtOnce.entries)
      const old = lastWhile(tail.position, upTo, (mark) => mark.at < olderThan)
      if (old <= tail.position) return false
      const some = lastWhile(tail.position, old, (mark) => mark.bytes - tail.bytes <= droppedAtOnce.bytes)
      const dropped = dropUpTo(Math.max(some, tail.position + 1), now)
      return dropped.position < released && markAt(dropped.position + 1).at < olderThan
    },
  }
}

export type LogTable = ReturnType<typeof log>
