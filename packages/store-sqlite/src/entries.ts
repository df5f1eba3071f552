import type { EventLog, Position } from "@millrace/core/store"
import { allocate, copy, type Unpacked } from "./packing.ts"

/** Consecutive entries as the log's `read` has them, from the position of the first on. */
export const toEntries = (
  unpacked: ReadonlyArray<Unpacked>,
  first: number,
  positionOf: (number: number) => Position.Position,
): ReadonlyArray<EventLog.LogEntry> =>
  unpacked.map((entry, place) => ({ ...entry, position: positionOf(first + place) }))

const empty = new Uint8Array(0)

/** Entries whose bodies, of those that are wanted, are copies in memory of their own. */
export const withCopies = (
  unpacked: ReadonlyArray<Unpacked>,
  wants: (envelope: string) => boolean,
): ReadonlyArray<Unpacked> => {
  const wanted = unpacked.map(({ envelope }) => wants(envelope))
  const size = unpacked.reduce((sum, { body }, entry) => sum + (wanted[entry] ? body.byteLength : 0), 0)
  const memory = Buffer.from(allocate(size))
  let offset = 0
  return unpacked.map((one, entry) => {
    if (!wanted[entry]) return { ...one, body: empty, leftOut: one.body.byteLength }
    const body = new Uint8Array(memory.buffer, offset, one.body.byteLength)
    copy(one.body, memory, offset)
    offset += body.byteLength
    return { ...one, body }
  })
}
