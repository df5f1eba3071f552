import type { EventLog } from "@millrace/core"

/**
 * Entries as they cross threads and as rows keep them: a fixed number of values however many entries. Posting them one by
 * one would clone every object, and with each body the whole buffer it is a slice of.
 */
export interface PackedEntries {
  /** One after the other, without anything between. */
  readonly ids: string
  /** {@link width} numbers of each entry, by {@link column}. */
  readonly index: Float64Array
  /** Envelope in UTF-8, body, envelope, body... without anything between; what follows them is not used. */
  readonly bytes: ArrayBuffer
}

/** How many numbers of the index an entry has. */
export const width = 5

/** What the numbers of the index say: `id` is a length in characters, `envelope` and `body` in bytes. */
export const column = { appendedAt: 0, events: 1, id: 2, envelope: 3, body: 4 } as const

/** One number of one entry. */
export const numberOf = (index: Float64Array, entry: number, of: keyof typeof column): number =>
  index[entry * width + column[of]] ?? 0

/** What an entry counts for: the bytes of its envelope and of its body. */
export const sizeIn = (index: Float64Array, entry: number): number =>
  numberOf(index, entry, "envelope") + numberOf(index, entry, "body")

/** {@link sizeIn} of an entry that is not packed. */
export const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  Buffer.byteLength(envelope) + body.byteLength

/** A buffer of its own (not a part of Node's pool), not filled with zeros before it is written. */
export const allocate = (size: number): ArrayBuffer => Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer

/** Entries that belong together, and when they were handed over, in ms since the epoch. */
export interface Group {
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  readonly now: number
}

/** @param buffer with room for the sum of the entries' {@link sizeOf} */
export const pack = (groups: ReadonlyArray<Group>, buffer: ArrayBuffer): PackedEntries => {
  const bytes = Buffer.from(buffer)
  const index = new Float64Array(groups.reduce((sum, { entries }) => sum + entries.length, 0) * width)
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
  return { ids, index, bytes: buffer }
}

/** Each entry's id, in order. */
export const idsOf = ({ ids, index }: Pick<PackedEntries, "ids" | "index">): ReadonlyArray<string> => {
  let offset = 0
  return Array.from({ length: index.length / width }, (_, entry) => {
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
  const bytes = Buffer.from(packed.bytes)
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
      body: new Uint8Array(packed.bytes, start, end - start),
      appendedAt: numberOf(index, entry, "appendedAt"),
    }
  })
}
