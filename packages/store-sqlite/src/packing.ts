import type { EventLog } from "@millrace/core/store"

/**
 * Entries as they cross threads and as rows keep them: a fixed number of values however many
 * entries. Posting them one by one would clone every object, and with each body the whole buffer it
 * is a slice of.
 */
export interface PackedEntries {
  /** One after the other, without anything between. */
  readonly ids: string
  /**
   * {@link width} numbers of each entry, by {@link column}: the beginning of a buffer, in which
   * {@link bytesOf} the entries follow.
   */
  readonly index: Float64Array
}

/** How many numbers of the index an entry has. */
export const width = 5

/**
 * What the numbers of the index say: `id` is a length in characters, `envelope` and `body` in
 * bytes.
 */
export const column = { appendedAt: 0, events: 1, id: 2, envelope: 3, body: 4 } as const

/** An entry's part of an index, in bytes. */
export const indexed = width * Float64Array.BYTES_PER_ELEMENT

export const countOf = ({ index }: Pick<PackedEntries, "index">): number => index.length / width

/** One number of one entry. */
export const numberOf = (index: Float64Array, entry: number, of: keyof typeof column): number =>
  index[entry * width + column[of]] ?? 0

/** What an entry counts for: the bytes of its envelope and of its body. */
export const sizeIn = (index: Float64Array, entry: number): number =>
  numberOf(index, entry, "envelope") + numberOf(index, entry, "body")

/** {@link sizeIn} of an entry that is not packed. */
export const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  Buffer.byteLength(envelope) + body.byteLength

/**
 * Envelope in UTF-8, body, envelope, body... without anything between; what follows them is not
 * used.
 */
export const bytesOf = ({ index }: Pick<PackedEntries, "index">): Buffer =>
  Buffer.from(index.buffer, index.byteOffset + index.byteLength)

/** A buffer of its own (not a part of Node's pool), not filled with zeros before it is written. */
export const allocate = (size: number): ArrayBuffer => Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer

/**
 * Entries that belong together, when they were handed over, in ms since the epoch, and what their
 * {@link sizeOf} add up to.
 */
export interface Group {
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  readonly now: number
  readonly size: number
}

/**
 * What `set` does, which takes twenty times as long where memory is shared, byte for byte, unless
 * both sides begin at the same place of a word.
 */
export const copy = (from: Uint8Array, to: Buffer, at: number): void => {
  if (from.byteLength > 0) to.fill(from, at, at + from.byteLength)
}

const roomFor = (entries: number, size: number): number => Math.ceil((entries * indexed + size) / 8) * 8

/** How many bytes {@link pack} needs: a multiple of 8, since an index begins at one. */
export const roomOf = (groups: ReadonlyArray<Group>): number =>
  groups.reduce((sum, { entries, size }) => sum + roomFor(entries.length, size), 0)

/** @param begin where in the memory; there has to be {@link roomOf} the groups behind it */
export const pack = (groups: ReadonlyArray<Group>, memory: ArrayBufferLike, begin: number): PackedEntries => {
  const count = groups.reduce((sum, { entries }) => sum + entries.length, 0)
  const index = new Float64Array(memory, begin, count * width)
  const bytes = bytesOf({ index })
  let ids = ""
  let offset = 0
  let at = 0
  for (const { entries, now } of groups) {
    for (const { id, events, envelope, body } of entries) {
      const length = bytes.write(envelope, offset)
      copy(body, bytes, offset + length)
      offset += length + body.byteLength
      ids += id
      index[at + column.appendedAt] = now
      index[at + column.events] = events
      index[at + column.id] = id.length
      index[at + column.envelope] = length
      index[at + column.body] = body.byteLength
      at += width
    }
  }
  return { ids, index }
}

/**
 * Memory for an index of so many entries and so many bytes behind it, for {@link bytesOf} to be
 * written.
 */
export const emptyIndex = (count: number, size: number): Float64Array =>
  new Float64Array(allocate(roomFor(count, size)), 0, count * width)

/**
 * A place between two entries: what stands in front of it among the ids, in characters, and in the
 * bytes.
 */
export interface Place {
  readonly id: number
  readonly byte: number
}

/** Where an entry begins, or for the number of entries where the last one ends. */
export const placeOf = (index: Float64Array, entry: number): Place => {
  let id = 0
  let byte = 0
  for (let before = 0; before < entry; before++) {
    id += numberOf(index, before, "id")
    byte += sizeIn(index, before)
  }
  return { id, byte }
}

/** Each entry's id, in order. */
export const idsOf = ({ ids, index }: PackedEntries): ReadonlyArray<string> => {
  let offset = 0
  return Array.from({ length: countOf({ index }) }, (_, entry) => {
    const start = offset
    offset += numberOf(index, entry, "id")
    return ids.slice(start, offset)
  })
}

export type Unpacked = Omit<EventLog.LogEntry, "position">

/**
 * The entries from one up to in front of another, by default all of them. The bodies are views of
 * the packed bytes.
 */
export const unpack = (packed: PackedEntries, from = 0, to = countOf(packed)): ReadonlyArray<Unpacked> => {
  const { ids, index } = packed
  const bytes = bytesOf(packed)
  const unpacked: Array<Unpacked> = []
  let { id, byte } = placeOf(index, from)
  for (let entry = from; entry < to; entry++) {
    const idEnd = id + numberOf(index, entry, "id")
    const start = byte + numberOf(index, entry, "envelope")
    const end = start + numberOf(index, entry, "body")
    unpacked.push({
      id: ids.slice(id, idEnd),
      events: numberOf(index, entry, "events"),
      envelope: bytes.toString("utf8", byte, start),
      body: new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
      appendedAt: numberOf(index, entry, "appendedAt"),
    })
    id = idEnd
    byte = end
  }
  return unpacked
}
