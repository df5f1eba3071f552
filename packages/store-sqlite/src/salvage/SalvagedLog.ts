import type { EventLog } from "@millrace/core/store"
import type { Survey } from "./Survey.ts"
import { type FoundEntry, unpackRow } from "./unpackRow.ts"

/** Entries that follow each other and cannot be read. */
export interface Gap {
  readonly first: number
  readonly last: number
  /** How many events they had; `null` when nothing tells. */
  readonly events: number | null
}

/** Where a row stands, and what of it and in front of it could be read. */
interface Place {
  readonly first: number
  readonly last: number
  readonly page: number
  readonly cell: number
  /** Found behind the last entry of it. */
  readonly entries: number
  readonly events: number
  readonly bytes: number
}

/** A row that was looked at. */
interface LookedAt {
  readonly first: number
  readonly last: number
  readonly page: number
  readonly cell: number
  readonly events: number
  readonly eventsBefore: number
  /** The entries of it that are kept, and are what an entry is. */
  readonly found: EventLog.LogTotals
  readonly unsound: ReadonlyArray<Gap>
}

const inOrder = (one: LookedAt, other: LookedAt): number => one.first - other.first

/** Whether none of some rows, in order, has an entry that another has. */
const isFree = (rows: ReadonlyArray<LookedAt>, { first, last }: LookedAt): boolean => {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.last >= first) high = middle
    else low = middle + 1
  }
  return rows[low] === undefined || rows[low]!.first > last
}

/** Gaps that follow each other as one. */
const joined = (gaps: ReadonlyArray<Gap>): ReadonlyArray<Gap> => {
  const all: Array<Gap> = []
  for (const gap of gaps) {
    const last = all.at(-1)
    if (last === undefined || last.last + 1 !== gap.first) all.push(gap)
    else {
      const events = last.events === null || gap.events === null ? null : last.events + gap.events
      all[all.length - 1] = { first: last.first, last: gap.last, events }
    }
  }
  return all
}

const sizeOf = ({ envelope, body }: FoundEntry): number => Buffer.byteLength(envelope) + body.byteLength

/** What can be told of a log whose pages are partly damaged. */
export class SalvagedLog {
  readonly #survey: Survey
  readonly #isSound: (entry: FoundEntry) => boolean
  readonly #places: ReadonlyArray<Place>
  /** Entries that stand in a row that can be read, and are not what an entry is. */
  readonly #unsound = new Set<number>()
  /** The last entry trimmed, and the last one appended. */
  readonly tail: number
  readonly head: number
  readonly gaps: ReadonlyArray<Gap>

  /**
   * @param isSound whether an entry is what an entry is: one that was overwritten in part is not
   */
  constructor(survey: Survey, isSound: (entry: FoundEntry) => boolean) {
    this.#survey = survey
    this.#isSound = isSound
    const [bounds] = survey.rows("log").rows
    const sequence = survey.sequences.get("entries")
    const known = typeof bounds?.["tail"] === "number" ? bounds["tail"] : null
    const { places, gaps, tail, head } = this.#look(known, sequence ?? null)
    this.#places = places
    this.gaps = gaps
    this.tail = tail
    this.head = head
  }

  /** How many entries, and events, are missing; `null` for events when that is not known of all. */
  get missing(): { readonly entries: number; readonly events: number | null } {
    const events = this.gaps.map((gap) => gap.events)
    return {
      entries: this.gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0),
      events: events.includes(null) ? null : events.reduce((sum: number, one) => sum + (one ?? 0), 0),
    }
  }

  has(number: number): boolean {
    const place = this.#places[this.#firstBehind(number - 1)]
    return place !== undefined && place.first <= number && !this.#unsound.has(number)
  }

  /** The sums of what was found up to an entry. */
  stats(upTo: number): EventLog.LogTotals {
    const at = this.#firstBehind(upTo)
    const before = this.#places[at - 1]
    const sums = {
      entries: before?.entries ?? 0,
      events: before?.events ?? 0,
      bytes: before?.bytes ?? 0,
    }
    const place = this.#places[at]
    if (place === undefined || place.first > upTo) return sums
    for (const entry of this.#entriesAt(place)) {
      if (entry.number > upTo) continue
      sums.entries += 1
      sums.events += entry.events
      sums.bytes += sizeOf(entry)
    }
    return sums
  }

  /** What was found behind an entry. */
  read(after: number, { maxEntries, maxBytes }: EventLog.ReadLimits): ReadonlyArray<FoundEntry> {
    const found: Array<FoundEntry> = []
    let bytes = 0
    for (let at = this.#firstBehind(after); at < this.#places.length; at++) {
      for (const entry of this.#entriesAt(this.#places[at]!)) {
        if (entry.number <= after) continue
        bytes += sizeOf(entry)
        if (found.length === maxEntries || (found.length > 0 && bytes > maxBytes)) return found
        found.push(entry)
      }
    }
    return found
  }

  /** The place of the first row that has an entry behind one. */
  #firstBehind(number: number): number {
    let [low, high] = [0, this.#places.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#places[middle]!.last > number) high = middle
      else low = middle + 1
    }
    return low
  }

  #entriesAt({ page, cell }: Place): ReadonlyArray<FoundEntry> {
    const row = this.#survey.rowAt("entries", page, cell)
    const found = row === null ? null : unpackRow(row)
    return (found?.entries ?? []).filter(
      ({ number }) => number > this.tail && number <= this.head && !this.#unsound.has(number),
    )
  }

  /** Looks at every row once, so that what is missing is known before anything is copied. */
  #look(knownTail: number | null, knownHead: number | null) {
    const { pages, orphans } = this.#survey.table("entries")
    const reached = this.#rowsOn(pages, knownTail ?? 0)
    const left = this.#rowsOn(orphans, knownTail ?? 0).filter((row) => isFree(reached, row))
    const rows = [...reached, ...left].sort(inOrder)
    const tail = knownTail ?? (rows[0]?.first ?? 1) - 1
    const head = Math.max(knownHead ?? 0, rows.at(-1)?.last ?? tail, tail)

    const places: Array<Place> = []
    const gaps: Array<Gap> = []
    const sums = { entries: 0, events: 0, bytes: 0 }
    let next = tail + 1
    let eventsUpTo: number | null = null
    for (const row of rows) {
      // The remains of one that was written anew elsewhere.
      if (row.last < next || (row.first < next && next > tail + 1)) continue
      if (row.first > next) {
        const events = eventsUpTo === null ? null : row.eventsBefore - eventsUpTo
        gaps.push({ first: next, last: row.first - 1, events })
      }
      gaps.push(...row.unsound)
      for (const { first } of row.unsound) this.#unsound.add(first)
      sums.entries += row.found.entries
      sums.events += row.found.events
      sums.bytes += row.found.bytes
      places.push({ first: row.first, last: row.last, page: row.page, cell: row.cell, ...sums })
      next = row.last + 1
      eventsUpTo = row.eventsBefore + row.events
    }
    if (next <= head) gaps.push({ first: next, last: head, events: null })
    return { places, gaps: joined(gaps), tail, head }
  }

  #rowsOn(pages: ReadonlyArray<number>, tail: number): ReadonlyArray<LookedAt> {
    const rows: Array<LookedAt> = []
    for (const page of pages) {
      for (const [cell, row] of this.#survey.rowsOn("entries", page).entries()) {
        const unpacked = row === null ? null : unpackRow(row)
        const last = unpacked?.entries.at(-1)?.number ?? 0
        if (unpacked === null || last <= tail) continue
        const found = { entries: 0, events: 0, bytes: 0 }
        const unsound: Array<Gap> = []
        let events = 0
        for (const entry of unpacked.entries) {
          events += entry.events
          if (entry.number <= tail) continue
          if (!this.#isSound(entry)) {
            unsound.push({ first: entry.number, last: entry.number, events: entry.events })
            continue
          }
          found.entries += 1
          found.events += entry.events
          found.bytes += sizeOf(entry)
        }
        const { eventsBefore, entries } = unpacked
        rows.push({ page, cell, first: entries[0]!.number, last, events, eventsBefore, found, unsound })
      }
    }
    return rows.sort(inOrder)
  }
}
