import type { BatchLimits } from "./Destination.ts"
import { ByteWriter, piece } from "./internal/byteWriter.ts"

export type Format = "array" | "data"

const opening = { array: piece("["), data: piece('{"data":[') }
const closing = { array: piece("]"), data: piece("]}") }

/** Consecutive events of a batch: from `from` up to, but without, `to`. */
export type Range = readonly [from: number, to: number]

/** Nothing of a single event. */
export const halve = ([from, to]: Range): ReadonlyArray<Range> => {
  const middle = (from + to) >> 1
  return to - from === 1
    ? []
    : [
        [from, middle],
        [middle, to],
      ]
}

/** A closed batch: the events' JSON texts, in order, in the bytes that are sent. */
export interface Batch {
  readonly count: number
  /** The body of all events, or of some consecutive ones. */
  readonly body: (range: Range) => Uint8Array
}

/** Collects events in JSON until count or bytes are reached; time is the lane's. */
export interface BatchBuilder {
  readonly count: number
  /** Of the body so far; of the whole one once it is closed. */
  readonly bytes: number
  /** Where to write the next event: then it is to be added, or left out. */
  readonly begin: () => ByteWriter
  /** Adds the event that has been written. False, and nothing changes, when it does not fit any more. The first event always fits. */
  readonly commit: () => boolean
  /** Leaves out what has been written of an event. */
  readonly cancel: () => void
  readonly isFull: () => boolean
  readonly close: () => Batch
}

const comma = 0x2c

/** @param sizeHint of the body, in bytes, as far as that can be foreseen: then the body is not copied while it grows */
export const make = (limits: BatchLimits, format: Format, sizeHint = 16 * 1024): BatchBuilder => {
  const start = opening[format]
  const end = closing[format]
  const body = new ByteWriter(sizeHint)
  body.piece(start)
  /** Where each event ends. */
  const ends: Array<number> = []
  const startOf = (index: number): number => (index === 0 ? start.bytes.length : ends[index - 1]! + 1)
  const cancel = (): void => body.cut(ends.at(-1) ?? start.bytes.length)

  return {
    get count() {
      return ends.length
    },
    get bytes() {
      return body.length
    },
    isFull: () => ends.length >= limits.maxEvents || body.length + end.bytes.length >= limits.maxBytes,
    begin: () => {
      if (ends.length > 0) body.byte(comma)
      return body
    },
    commit: () => {
      const fits = ends.length < limits.maxEvents && body.length + end.bytes.length <= limits.maxBytes
      if (ends.length > 0 && !fits) {
        cancel()
        return false
      }
      ends.push(body.length)
      return true
    },
    cancel,
    close: () => {
      body.piece(end)
      return {
        count: ends.length,
        body: ([from, to]) => {
          if (from === 0 && to === ends.length) return body.written
          const part = new ByteWriter(0)
          part.piece(start)
          part.copy(body, startOf(from), ends[to - 1]!)
          part.piece(end)
          return part.written
        },
      }
    },
  }
}

/** Several batches as one, each standing behind the one before: no range may reach over an edge. */
export const concat = (batches: ReadonlyArray<Batch>): Batch & { readonly ranges: ReadonlyArray<Range> } => {
  let count = 0
  const parts = batches
    .filter((batch) => batch.count > 0)
    .map((batch) => {
      const from = count
      count += batch.count
      return { batch, from, to: count }
    })
  return {
    count,
    ranges: parts.map(({ from, to }) => [from, to]),
    body: ([from, to]) => {
      const part = parts.find((one) => from < one.to)!
      return part.batch.body([from - part.from, to - part.from])
    },
  }
}
