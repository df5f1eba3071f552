import type { EventLog } from "@millrace/core/store"
import type { Row } from "../driver.ts"
import { column, indexed, width } from "../packing.ts"
import { bytes, number, text } from "../row.ts"

/** An entry of a row, with its number in the log. */
export interface FoundEntry extends Omit<EventLog.LogEntry, "position"> {
  readonly number: number
}

/** A row of the log that could be read. */
export interface FoundRow {
  readonly entries: ReadonlyArray<FoundEntry>
  /** The log's running sum of events in front of it. */
  readonly eventsBefore: number
}

const decoder = new TextDecoder("utf-8", { fatal: true })

const entryOf = (row: Row): FoundEntry => ({
  number: number(row, "position"),
  id: text(row, "id"),
  events: number(row, "events"),
  envelope: decoder.decode(bytes(row, "envelope")),
  body: bytes(row, "body"),
  appendedAt: number(row, "appended_at"),
})

const packed = (row: Row): ReadonlyArray<FoundEntry> => {
  const stored = bytes(row, "envelope")
  if (stored.byteLength === 0 || stored.byteLength % indexed !== 0) throw new RangeError("no index")
  const index = new Float64Array(stored.byteLength / Float64Array.BYTES_PER_ELEMENT)
  new Uint8Array(index.buffer).set(stored)
  const content = bytes(row, "body")
  const ids = text(row, "id")
  const count = index.length / width
  const first = number(row, "position") - count + 1
  const numberOf = (entry: number, of: keyof typeof column): number => {
    const value = index[entry * width + column[of]]!
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("no number of an index")
    return value
  }
  let [id, at] = [0, 0]
  const entries = Array.from({ length: count }, (_, entry): FoundEntry => {
    const [idEnd, bodyAt] = [id + numberOf(entry, "id"), at + numberOf(entry, "envelope")]
    const end = bodyAt + numberOf(entry, "body")
    const found = {
      number: first + entry,
      id: ids.slice(id, idEnd),
      events: numberOf(entry, "events"),
      envelope: decoder.decode(content.subarray(at, bodyAt)),
      body: content.subarray(bodyAt, end),
      appendedAt: numberOf(entry, "appendedAt"),
    }
    id = idEnd
    at = end
    return found
  })
  if (id !== ids.length || at !== content.byteLength) throw new RangeError("another size than its index says")
  return entries
}

/** The entries of a row; `null` when it is not what it says. */
export const unpackRow = (row: Row): FoundRow | null => {
  try {
    const entries = number(row, "packed") === 1 ? packed(row) : [entryOf(row)]
    const events = entries.reduce((sum, entry) => sum + entry.events, 0)
    if (events !== number(row, "events") || entries[0]!.number < 1) return null
    return { entries, eventsBefore: number(row, "total_events") - events }
  } catch {
    return null
  }
}
