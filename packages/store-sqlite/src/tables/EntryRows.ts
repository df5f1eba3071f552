import type { Connection } from "../Connection.ts"
import type { Row } from "../driver.ts"
import { corrupt } from "../errors.ts"
import {
  bytesOf,
  column,
  countOf,
  emptyIndex,
  indexed,
  numberOf,
  type PackedEntries,
  type Place,
  placeOf,
  sizeIn,
  width,
} from "../packing.ts"
import { bytes, number, text } from "../row.ts"
import type { Mark } from "./records.ts"

/** What a row says of its entries. */
export interface EntryRow {
  readonly ids: string
  readonly index: Float64Array
  /** The position of the first of them. */
  readonly first: number
  /** Up to the last of them. */
  readonly mark: Mark
}

/**
 * What a row holds at most, in bytes, save for an entry that is larger: one that is large costs
 * less than many small ones, but it is read, and kept, whole for one of its entries.
 */
const maxRow = 256 * 1024

const sumOf = (index: Float64Array, of: keyof typeof column): number => {
  let sum = 0
  for (let at = column[of]; at < index.length; at += width) sum += index[at] ?? 0
  return sum
}

/** Makes the index of a row that is one entry, as the first version of the schema had them all. */
const indexOfOne = (row: Row, envelopeSize: number, bodySize: number): Float64Array => {
  const index = new Float64Array(width)
  index[column.appendedAt] = number(row, "appended_at")
  index[column.events] = number(row, "events")
  index[column.id] = text(row, "id").length
  index[column.envelope] = envelopeSize
  index[column.body] = bodySize
  return index
}

const indexOfMany = (stored: Uint8Array): Float64Array => {
  if (stored.byteLength === 0 || stored.byteLength % indexed !== 0) throw corrupt("a row's index is damaged")
  // What the driver returns need not begin where a number may.
  const index = new Float64Array(stored.byteLength / Float64Array.BYTES_PER_ELEMENT)
  new Uint8Array(index.buffer).set(stored)
  return index
}

const firstOf = (row: Row, index: Float64Array): number => number(row, "position") - countOf({ index }) + 1

const toMark = (row: Row): Mark => ({
  position: number(row, "position"),
  at: number(row, "appended_at"),
  events: number(row, "total_events"),
  bytes: number(row, "total_bytes"),
})

const described = `position, appended_at, events, total_events, total_bytes, id, packed,
  CASE packed WHEN 1 THEN envelope END AS entry_index, length(envelope) AS envelope_size, length(body) AS body_size`

const toEntryRow = (row: Row): EntryRow => {
  const index =
    number(row, "packed") === 0
      ? indexOfOne(row, number(row, "envelope_size"), number(row, "body_size"))
      : indexOfMany(bytes(row, "entry_index"))
  return { first: firstOf(row, index), ids: text(row, "id"), index, mark: toMark(row) }
}

/** Those of a row's entries, in order. */
export const marksOf = ({ first, index, mark }: EntryRow): ReadonlyArray<Mark> => {
  const marks = new Array<Mark>(countOf({ index }))
  let { events, bytes } = mark
  for (let entry = marks.length - 1; entry >= 0; entry--) {
    marks[entry] = { position: first + entry, at: numberOf(index, entry, "appendedAt"), events, bytes }
    events -= numberOf(index, entry, "events")
    bytes -= sizeIn(index, entry)
  }
  return marks
}

const missing = (position: number): Error => corrupt(`the log's entry ${position} is missing`)

/** The mark of an entry that is the last of its row, as the log's last one is. */
export const markAtEnd = (connection: Connection, position: number): Mark => {
  const row = connection.get(
    "SELECT position, appended_at, total_events, total_bytes FROM entries WHERE position = ?",
    position,
  )
  if (row === undefined) throw missing(position)
  return toMark(row)
}

/** The row that holds an entry. */
export const rowWith = (connection: Connection, position: number): EntryRow => {
  const found = connection.get(
    `SELECT ${described} FROM entries WHERE position >= ? ORDER BY position LIMIT 1`,
    position,
  )
  const row = found && toEntryRow(found)
  if (row === undefined || row.first > position) throw missing(position)
  return row
}

/**
 * The row behind an entry, read whole and found to be what its index says; throws when it is not.
 */
export const rowAfter = (connection: Connection, after: number): EntryRow => {
  const row = connection.get(
    `SELECT ${described}, envelope, body FROM entries WHERE position > ? ORDER BY position LIMIT 1`,
    after,
  )
  if (row === undefined) throw missing(after + 1)
  const found = toEntryRow(row)
  const size =
    bytes(row, "body").byteLength + (number(row, "packed") === 1 ? 0 : bytes(row, "envelope").byteLength)
  const isWhole =
    sumOf(found.index, "envelope") + sumOf(found.index, "body") === size &&
    sumOf(found.index, "id") === found.ids.length &&
    sumOf(found.index, "events") === number(row, "events")
  if (!isWhole) throw corrupt(`the row of the log's entry ${found.mark.position} is damaged`)
  return found
}

/** The rows that hold the entries after one position, up to another. */
export const rowsBetween = (connection: Connection, after: number, upTo: number): ReadonlyArray<EntryRow> =>
  connection
    .all(
      `SELECT ${described} FROM entries
       WHERE position > ? AND position <= (SELECT min(position) FROM entries WHERE position >= ?) ORDER BY position`,
      after,
      upTo,
    )
    .map(toEntryRow)

/**
 * Those of a row's entries that lie after one position, up to another, with the pieces that make up
 * their bytes.
 */
const cut = (row: Row, after: number, upTo: number) => {
  const ids = text(row, "id")
  const envelope = bytes(row, "envelope")
  const body = bytes(row, "body")
  const packed = number(row, "packed") === 1
  const index = packed ? indexOfMany(envelope) : indexOfOne(row, envelope.byteLength, body.byteLength)
  const first = firstOf(row, index)
  const count = countOf({ index })
  const pieces = packed ? [body] : [envelope, body]
  if (first > after && first + count - 1 <= upTo) return { first, count, ids, index, pieces }
  const from = Math.max(after + 1 - first, 0)
  const to = Math.min(upTo + 1 - first, count)
  const [start, end] = [placeOf(index, from), placeOf(index, to)]
  return {
    first: first + from,
    count: to - from,
    ids: ids.slice(start.id, end.id),
    index: index.subarray(from * width, to * width),
    pieces: [body.subarray(start.byte, end.byte)],
  }
}

/** The entries after one position, up to another. */
export const readEntries = (connection: Connection, after: number, upTo: number): PackedEntries => {
  const parts = connection
    .all(
      `SELECT position, appended_at, events, id, packed, envelope, body FROM entries
       WHERE position > ? AND position <= (SELECT min(position) FROM entries WHERE position >= ?) ORDER BY position`,
      after,
      upTo,
    )
    .map((row) => cut(row, after, upTo))
  const pieces = parts.flatMap((part) => part.pieces)
  const size = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const index = emptyIndex(upTo - after, size)
  let ids = ""
  let next = after + 1
  for (const part of parts) {
    if (part.first !== next) throw missing(next)
    index.set(part.index, (next - after - 1) * width)
    ids += part.ids
    next += part.count
  }
  if (next <= upTo) throw missing(next)
  if (sumOf(index, "envelope") + sumOf(index, "body") !== size) {
    throw corrupt(`the entries between ${after} and ${upTo} are not of the size that their index says`)
  }
  const packed = { ids, index }
  const bytes = bytesOf(packed)
  let offset = 0
  for (const piece of pieces) {
    bytes.set(piece, offset)
    offset += piece.byteLength
  }
  return packed
}

const origin: Place = { id: 0, byte: 0 }

/** Where each entry begins, and where the last one ends. */
const placesOf = (index: Float64Array): ReadonlyArray<Place> => {
  let place = origin
  const places = [place]
  for (let entry = 0; entry < countOf({ index }); entry++) {
    place = { id: place.id + numberOf(index, entry, "id"), byte: place.byte + sizeIn(index, entry) }
    places.push(place)
  }
  return places
}

/** An entry of a group that is to be written. */
export interface Kept {
  /** Its place in the group. */
  readonly entry: number
  readonly mark: Mark
}

/**
 * Writes entries of a group: those that lie one after the other in its buffer go into as few rows
 * as may be.
 */
export const insertEntries = (
  connection: Connection,
  packed: PackedEntries,
  kept: ReadonlyArray<Kept>,
): void => {
  const { ids, index } = packed
  const bytes = bytesOf(packed)
  for (const { entry, mark } of kept) index[entry * width + column.appendedAt] = mark.at
  const places = placesOf(index)
  const insert = (from: number, to: number, { position, at, events, bytes: totalBytes }: Mark): void => {
    const [start = origin, end = origin] = [places[from], places[to]]
    const of = index.subarray(from * width, to * width)
    connection.run(
      `INSERT INTO entries (position, appended_at, events, total_events, total_bytes, id, envelope, body, packed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
      position,
      at,
      sumOf(of, "events"),
      events,
      totalBytes,
      ids.slice(start.id, end.id),
      new Uint8Array(of.buffer, of.byteOffset, of.byteLength),
      bytes.subarray(start.byte, end.byte),
    )
  }
  const sizeBetween = (from: number, to: number): number => {
    const [start = origin, end = origin] = [places[from], places[to]]
    return end.byte - start.byte + (end.id - start.id) + (to - from) * indexed
  }
  let from = kept[0]?.entry ?? 0
  for (const [place, { entry, mark }] of kept.entries()) {
    const next = kept[place + 1]?.entry
    if (next === entry + 1 && sizeBetween(from, next + 1) <= maxRow) continue
    insert(from, entry + 1, mark)
    from = next ?? 0
  }
}
