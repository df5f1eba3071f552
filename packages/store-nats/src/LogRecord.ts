import { Buffer } from "node:buffer"
import type { EventLog, Position } from "@millrace/core/store"
import { foreign, type Message } from "./Stream.ts"

/**
 * An entry's number within its partition: the sequence number of its message, and its index among
 * the message's entries. They grow in the order of appends, with gaps.
 */
export type Place = number

/**
 * Entries in one message: fewer, so that the index of the last one still says that there is none
 * after it.
 */
const perMessage = 1024

export const placeOf = (seq: number, index: number): Place => seq * perMessage + index

/** Behind all entries of a message. */
export const placeBehind = (seq: number): Place => placeOf(seq, perMessage - 1)

export const seqOf = (place: Place): number => Math.floor(place / perMessage)

const indexOf = (place: Place): number => place % perMessage

/** Running sums up to and including a place. */
export interface Mark extends EventLog.LogTotals {
  readonly place: Place
}

export const originMark: Mark = { place: 0, entries: 0, events: 0, bytes: 0 }

interface Piece {
  readonly id: EventLog.EntryId
  readonly events: number
  readonly envelopeLength: number
  readonly bodyLength: number
}

/** What the headers say of a record. */
export interface RecordIndex {
  /** The number of its last message. */
  readonly seq: number
  readonly messages: number
  readonly appendedAt: number
  readonly before: Mark
  readonly after: Mark
  readonly pieces: ReadonlyArray<Piece>
}

/**
 * Entries that were appended together: one message, whose headers say what is in it. A single entry
 * too large for one is cut into several that follow each other, the headers in the last: without it
 * the others are rests of an append that failed.
 */
export interface LogRecord extends RecordIndex {
  /**
   * The entries as they were given, or what the messages hold: envelope, body, envelope, body...
   */
  readonly content: ReadonlyArray<EventLog.NewEntry> | Uint8Array
}

const headerNames = { record: "Millrace-Record", entries: "Millrace-Entries", part: "Millrace-Part" } as const

/**
 * What an entry takes of the header at most, in bytes: its id and three numbers with what stands
 * between.
 */
const pieceHeader = 64

/** The server takes 64 KiB of headers in one message. */
const maxEntries = 1000

export interface RecordLimits {
  readonly entries: number
  readonly bytes: number
}

/**
 * Enough that the cost of a message disappears. Messages of a MiB take the server twice the time
 * for their bytes (measured).
 */
const recordBytes = 512 * 1024

/** What fits one message. */
export const limitsOf = (maxPayload: number): RecordLimits => {
  const entries = Math.max(1, Math.min(maxEntries, Math.floor(maxPayload / 4 / pieceHeader)))
  return { entries, bytes: Math.min(recordBytes, maxPayload - entries * pieceHeader - 1024) }
}

/** What an entry counts for: the bytes of its envelope in UTF-8 and of its body. */
export const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  Buffer.byteLength(envelope) + body.byteLength

/** In as few records as they fit, in their order; one that fits none is alone in its own. */
export const divide = (
  entries: ReadonlyArray<EventLog.NewEntry>,
  limits: RecordLimits,
): ReadonlyArray<ReadonlyArray<EventLog.NewEntry>> => {
  const groups: Array<Array<EventLog.NewEntry>> = []
  let group: Array<EventLog.NewEntry> = []
  let bytes = 0
  for (const entry of entries) {
    const size = sizeOf(entry)
    if (group.length > 0 && (group.length >= limits.entries || bytes + size > limits.bytes)) {
      groups.push(group)
      group = []
      bytes = 0
    }
    group.push(entry)
    bytes += size
  }
  return group.length > 0 ? [...groups, group] : groups
}

const sum = (pieces: ReadonlyArray<Piece>, before: Mark, place: Place): Mark => {
  let { entries, events, bytes } = before
  for (const piece of pieces) {
    entries += 1
    events += piece.events
    bytes += piece.envelopeLength + piece.bodyLength
  }
  return { place, entries, events, bytes }
}

/** A `Buffer` slices otherwise, which its users need not know. */
const plain = ({ buffer, byteOffset, byteLength }: Buffer): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/**
 * Makes a record of entries that are to follow others. @param seq of the stream's last message now
 */
export const makeRecord = (
  entries: ReadonlyArray<EventLog.NewEntry>,
  before: Mark,
  appendedAt: number,
  seq: number,
  limits: RecordLimits,
): LogRecord => {
  const pieces = entries.map(({ id, events, envelope, body }) => ({
    id,
    events,
    envelopeLength: Buffer.byteLength(envelope),
    bodyLength: body.byteLength,
  }))
  const size = pieces.reduce(
    (bytes, { envelopeLength, bodyLength }) => bytes + envelopeLength + bodyLength,
    0,
  )
  const messages = Math.max(1, Math.ceil(size / limits.bytes))
  const last = seq + messages
  const after = sum(pieces, before, placeOf(last, pieces.length - 1))
  return { seq: last, messages, appendedAt, before, after, pieces, content: entries.map(owned) }
}

/** A view may hold on to a far larger buffer, such as the slab a socket was read into. */
const owned = (entry: EventLog.NewEntry): EventLog.NewEntry =>
  entry.body.buffer.byteLength <= 2 * entry.body.byteLength + 1024
    ? entry
    : { ...entry, body: new Uint8Array(entry.body) }

/** In bytes. */
export const lengthOf = ({ before, after }: RecordIndex): number => after.bytes - before.bytes

/** Writes entries one after the other into a buffer with room for them. */
export const fill = (buffer: Buffer, entries: ReadonlyArray<EventLog.NewEntry>): Uint8Array => {
  let offset = 0
  for (const { envelope, body } of entries) {
    offset += buffer.write(envelope, offset)
    buffer.set(body, offset)
    offset += body.byteLength
  }
  return buffer.subarray(0, offset)
}

type Headers = Readonly<Record<string, string>>

export const headersOf = ({ messages, appendedAt, before, pieces }: RecordIndex): Headers => ({
  [headerNames.record]: [
    appendedAt,
    messages,
    before.place,
    before.entries,
    before.events,
    before.bytes,
  ].join(" "),
  [headerNames.entries]: pieces
    .map((piece) => `${piece.id} ${piece.events} ${piece.envelopeLength} ${piece.bodyLength}`)
    .join(";"),
})

export interface Part {
  readonly headers: Headers
  readonly data: Uint8Array
}

/**
 * What is published, one after the other.
 *
 * @param payload the record's entries as {@link fill} writes them
 */
export const partsOf = (
  record: RecordIndex,
  payload: Uint8Array,
  limits: RecordLimits,
): ReadonlyArray<Part> => {
  const { messages } = record
  return Array.from({ length: messages }, (_, part) => ({
    headers: part === messages - 1 ? headersOf(record) : { [headerNames.part]: String(part + 1) },
    data: messages === 1 ? payload : payload.subarray(part * limits.bytes, (part + 1) * limits.bytes),
  }))
}

const numbers = (text: string): ReadonlyArray<number> => text.split(" ").map(Number)

/** Reads the headers of a record's last message; `null` for headers of something else. */
export const readIndex = (header: Message["header"], seq: number): RecordIndex | null => {
  const record = header(headerNames.record)
  const entries = header(headerNames.entries)
  if (record === undefined || entries === undefined) return null
  const [appendedAt = 0, messages = 1, place = 0, count = 0, events = 0, bytes = 0] = numbers(record)
  const before: Mark = { place, entries: count, events, bytes }
  const pieces = entries.split(";").map((text): Piece => {
    const [id = "", ...rest] = text.split(" ")
    const [pieceEvents = 0, envelopeLength = 0, bodyLength = 0] = rest.map(Number)
    return { id, events: pieceEvents, envelopeLength, bodyLength }
  })
  const after = sum(pieces, before, placeOf(seq, pieces.length - 1))
  return { seq, messages, appendedAt, before, after, pieces }
}

/**
 * The record whose last message this is; `null` when it is part of one, or its rest. Throws a
 * `StoreError` for what no log writes.
 *
 * @param earlier what the messages before it hold, once that is known
 */
export const readRecord = (message: Message, earlier: ReadonlyArray<Uint8Array> = []): LogRecord | null => {
  const index = readIndex(message.header, message.seq)
  if (index !== null) {
    const content = earlier.length === 0 ? message.data : plain(Buffer.concat([...earlier, message.data]))
    return { ...index, content }
  }
  if (message.header(headerNames.part) !== undefined) return null
  throw foreign(message)
}

/**
 * The sums up to and including an entry of a record; those before it for a place before its first.
 */
export const markAt = ({ seq, pieces, before, after }: RecordIndex, place: Place): Mark =>
  place >= after.place
    ? after
    : place < placeOf(seq, 0)
      ? before
      : sum(pieces.slice(0, indexOf(place) + 1), before, place)

/**
 * The first place of a record at which a growing condition holds; its end when it holds nowhere.
 */
export const firstMark = (record: RecordIndex, holds: (mark: Mark) => boolean): Mark => {
  let mark = record.before
  for (const [index, piece] of record.pieces.entries()) {
    mark = sum([piece], mark, placeOf(record.seq, index))
    if (holds(mark)) return mark
  }
  return mark
}

type Content = Pick<EventLog.NewEntry, "envelope" | "body">

const slice = (bytes: Uint8Array, offset: number, { envelopeLength, bodyLength }: Piece): Content => {
  const body = offset + envelopeLength
  return {
    envelope: Buffer.from(bytes.buffer, bytes.byteOffset + offset, envelopeLength).toString(),
    body: bytes.subarray(body, body + bodyLength),
  }
}

/** Those of a record's entries that stand after a place. The bodies are views of its bytes. */
export function* entriesAfter(
  record: LogRecord,
  place: Place,
  positionOf: (place: Place) => Position.Position,
): Generator<EventLog.LogEntry> {
  const { seq, appendedAt, pieces, content } = record
  let offset = 0
  for (const [index, piece] of pieces.entries()) {
    const own = placeOf(seq, index)
    const start = offset
    offset += piece.envelopeLength + piece.bodyLength
    if (own <= place) continue
    const found = content instanceof Uint8Array ? slice(content, start, piece) : content[index]
    if (found === undefined) return
    const { envelope, body } = found
    const { id, events } = piece
    yield { id, events, envelope, body, position: positionOf(own), appendedAt }
  }
}
