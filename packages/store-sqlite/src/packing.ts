import type { EventLog } from "@millrace/core"

/**
 * Entries as they cross threads and as rows keep them: a fixed number of values however many entries. Posting them one by
 * one would clone every object, and with each body the whole buffer it is a slice of.
 */
export interface PackedEntries {
  /** One after the other, without anything between. */
  readonly ids: string
  /** {@link width} numbers of each entry, by {@link column}: the beginning of a buffer, in which {@link bytesOf} the entries follow. */
  readonly index: Float64Array
}

/** How many numbers of the index an entry has. */
export const width = 5

/** What the numbers of the index say: `id` is a length in characters, `envelope` and `body` in bytes. */
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

/** The whole buffer, unless it is shared with a thread. */
export const bufferOf = ({ index }: Pick<PackedEntries, "index">): ArrayBuffer => index.buffer as ArrayBuffer

/** Envelope in UTF-8, body, envelope, body... without anything between; what follows them is not used. */
export const bytesOf = ({ index }: Pick<PackedEntries, "index">): Buffer =>
  Buffer.from(index.buffer, index.byteLength)

/** A buffer of its own (not a part of Node's pool), not filled with zeros before it is written. */
export const allocate = (size: number): ArrayBuffer => Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer

/** Entries that belong together, and when they were handed over, in ms since the epoch. */
export interface Group {
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  readonly now: number
}

/** How large a buffer so many entries need, whose {@link sizeOf} add up to `size`. */
export const roomFor = (entries: number, size: number): number => entries * indexed + size

/** @param buffer with {@link roomFor} all entries */
export const pack = (groups: ReadonlyArray<Group>, buffer: ArrayBuffer): PackedEntries => {
  const count = groups.reduce((sum, { entries }) => sum + entries.length, 0)
  const index = new Float64Array(buffer, 0, count * width)
  const bytes = bytesOf({ index })
  let ids = ""
  let offset = 0
  let at = 0
  for (const { entries, now } of groups) {
    for (const { id, events, envelope, body } of entries) {
      const length = bytes.write(envelope, offset)
      bytes.set(body, offset + length)
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

/** Each entry's id, in order. */
export const idsOf = ({ ids, index }: PackedEntries): ReadonlyArray<string> => {
  let offset = 0
  return Array.from({ length: countOf({ index }) }, (_, entry) => {
    const start = offset
    offset += numberOf(index, entry, "id")
    return ids.slice(start, offset)
  })
}

/** The bodies are views of the packed bytes. */
export const unpack = (
  packed: PackedEntries,
): ReadonlyArray<EventLog.NewEntry & { readonly appendedAt: number }> => {
  const { index } = packed
  const bytes = bytesOf(packed)
  let offset = 0
  return idsOf(packed).map((id, entry) => {
    const start = offset + numberOf(index, entry, "envelope")
    const end = start + numberOf(index, entry, "body")
    const envelope = bytes.toString("utf8", offset, start)
    offset = end
    return {
      id,
      events: numberOf(index, entry, "events"),
      envelope,
      body: new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
      appendedAt: numberOf(index, entry, "appendedAt"),
    }
  })
}
