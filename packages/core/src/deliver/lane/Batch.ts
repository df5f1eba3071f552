import { ByteWriter, piece } from "../../bytes/ByteWriter.ts"
import { comma } from "../../bytes/jsonBytes.ts"
import type { BatchLimits } from "../../select/Destination.ts"

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
  /**
   * What the whole bodies were written into: whoever writes there again changes what {@link
   * Batch.body} has returned.
   */
  readonly bodies: ReadonlyArray<ByteWriter>
}

/** Collects events in JSON until count or bytes are reached; time is the lane's. */
export interface BatchBuilder {
  /** Where to write the next event: then it is to be added, or left out. */
  readonly begin: () => ByteWriter
  /**
   * Adds the event that has been written. False, and nothing changes, when it does not fit any
   * more. The first event always fits.
   */
  readonly commit: () => boolean
  /** Leaves out what has been written of an event. */
  readonly cancel: () => void
  readonly isFull: () => boolean
  readonly close: () => Batch
}

/** In bytes. */
const roomAtFirst = 16 * 1024

/** Before the first event. */
const nothing = new ByteWriter(0)

/** @param makeBody where to write: asked for when there is something to write */
export const make = (
  limits: BatchLimits,
  format: Format,
  makeBody: () => ByteWriter = () => new ByteWriter(roomAtFirst),
): BatchBuilder => {
  const start = opening[format]
  const end = closing[format]
  let body = nothing
  /** Where each event ends. */
  const ends: Array<number> = []
  const startOf = (index: number): number => (index === 0 ? start.bytes.length : ends[index - 1]! + 1)
  const cancel = (): void => body.cut(ends.at(-1) ?? 0)

  return {
    isFull: () => ends.length >= limits.maxEvents || body.length + end.bytes.length >= limits.maxBytes,
    begin: () => {
      if (ends.length > 0) body.byte(comma)
      else {
        if (body === nothing) body = makeBody()
        body.piece(start)
      }
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
      if (body !== nothing) body.piece(end)
      return {
        count: ends.length,
        bodies: body === nothing ? [] : [body],
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
export const concat = (
  batches: ReadonlyArray<Batch>,
): { readonly batch: Batch; readonly ranges: ReadonlyArray<Range> } => {
  const [only] = batches
  if (batches.length === 1 && only !== undefined) {
    return { batch: only, ranges: only.count === 0 ? [] : [[0, only.count]] }
  }
  let count = 0
  const parts = batches
    .filter((batch) => batch.count > 0)
    .map((batch) => {
      const from = count
      count += batch.count
      return { batch, from, to: count }
    })
  return {
    batch: {
      count,
      bodies: batches.flatMap(({ bodies }) => bodies),
      body: ([from, to]) => {
        const part = parts.find((one) => from < one.to)!
        return part.batch.body([from - part.from, to - part.from])
      },
    },
    ranges: parts.map(({ from, to }) => [from, to]),
  }
}
