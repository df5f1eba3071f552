import type { EventLog } from "@millrace/core"

/**
 * Entries as they cross threads: a fixed number of values however many entries. Posting them one by one would clone every
 * object, and with each body the whole buffer it is a slice of.
 */
export interface PackedEntries {
  readonly ids: ReadonlyArray<string>
  readonly events: Float64Array
  /** Of each envelope in UTF-8 and each body: two for an entry. */
  readonly lengths: Uint32Array
  /** Envelope, body, envelope, body... without anything between; what follows them is not used. To be transferred, not cloned. */
  readonly bytes: ArrayBuffer
}

/** An entry as the file keeps it. */
export interface RawEntry {
  readonly id: string
  readonly events: number
  readonly envelope: Uint8Array
  readonly body: Uint8Array
}

/** What an entry counts for: the bytes of its envelope in UTF-8 and of its body. */
export const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  Buffer.byteLength(envelope) + body.byteLength

/** A buffer that can be transferred (one out of Node's pool cannot), not filled with zeros before it is written. */
export const allocate = (size: number): ArrayBuffer => Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer

/**
 * @param buffer with room for all entries together
 * @param write puts an entry's envelope into the buffer and returns how many bytes it took
 */
const pack = <A extends { readonly id: string; readonly events: number; readonly body: Uint8Array }>(
  entries: ReadonlyArray<A>,
  buffer: ArrayBuffer,
  write: (entry: A, bytes: Buffer, offset: number) => number,
): PackedEntries => {
  const bytes = Buffer.from(buffer)
  const events = new Float64Array(entries.length)
  const lengths = new Uint32Array(entries.length * 2)
  let offset = 0
  const ids = entries.map((entry, index) => {
    const length = write(entry, bytes, offset)
    bytes.set(entry.body, offset + length)
    offset += length + entry.body.byteLength
    lengths[index * 2] = length
    lengths[index * 2 + 1] = entry.body.byteLength
    events[index] = entry.events
    return entry.id
  })
  return { ids, events, lengths, bytes: buffer }
}

/** @param buffer with room for the sum of the entries' {@link sizeOf} */
export const packEntries = (entries: ReadonlyArray<EventLog.NewEntry>, buffer: ArrayBuffer): PackedEntries =>
  pack(entries, buffer, ({ envelope }, bytes, offset) => bytes.write(envelope, offset))

export const packRaw = (entries: ReadonlyArray<RawEntry>): PackedEntries =>
  pack(
    entries,
    allocate(entries.reduce((size, { envelope, body }) => size + envelope.byteLength + body.byteLength, 0)),
    ({ envelope }, bytes, offset) => {
      bytes.set(envelope, offset)
      return envelope.byteLength
    },
  )

/** Views of the packed bytes: nothing is copied. */
export const unpack = ({ ids, events, lengths, bytes }: PackedEntries): ReadonlyArray<RawEntry> => {
  let offset = 0
  const next = (length = 0): Uint8Array => {
    const view = new Uint8Array(bytes, offset, length)
    offset += length
    return view
  }
  return ids.map((id, index) => ({
    id,
    events: events[index] ?? 0,
    envelope: next(lengths[index * 2]),
    body: next(lengths[index * 2 + 1]),
  }))
}
