import type { BatchLimits } from "./Destination.ts"

export type Format = "array" | "data"

const encoder = new TextEncoder()
const comma = 0x2c
const opening = { array: encoder.encode("["), data: encoder.encode('{"data":[') }
const closing = { array: encoder.encode("]"), data: encoder.encode("]}") }

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

/**
 * Collects events as JSON text until count or bytes are reached; time is the lane's. Events are encoded straight
 * into the body, so that a batch that goes out whole is never copied again.
 */
export interface BatchBuilder {
  readonly count: number
  /** False, and nothing changes, when the event does not fit any more. The first event always fits. */
  readonly add: (event: string) => boolean
  readonly isFull: () => boolean
  readonly close: () => Batch
}

export const make = (limits: BatchLimits, format: Format, sizeHint = 16 * 1024): BatchBuilder => {
  const start = opening[format]
  const end = closing[format]
  let buffer = new Uint8Array(Math.max(sizeHint, 1024))
  buffer.set(start)
  let length = start.length
  /** Where each event begins and ends. */
  const begins: Array<number> = []
  const ends: Array<number> = []

  const room = (bytes: number): void => {
    if (length + bytes <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, length + bytes))
    larger.set(buffer.subarray(0, length))
    buffer = larger
  }

  return {
    get count() {
      return begins.length
    },
    isFull: () => begins.length >= limits.maxEvents || length + end.length >= limits.maxBytes,
    add: (event) => {
      const first = begins.length === 0
      if (!first && begins.length >= limits.maxEvents) return false
      const begin = first ? length : length + 1
      // A UTF-16 unit takes 3 bytes of UTF-8 at most.
      room(event.length * 3 + 1 + end.length)
      const { written } = encoder.encodeInto(event, buffer.subarray(begin))
      if (!first && begin + written + end.length > limits.maxBytes) return false
      if (!first) buffer[length] = comma
      begins.push(begin)
      ends.push(begin + written)
      length = begin + written
      return true
    },
    close: () => {
      buffer.set(end, length)
      const whole = buffer.subarray(0, length + end.length)
      return {
        count: begins.length,
        body: ([from, to]) => {
          if (from === 0 && to === begins.length) return whole
          const events = buffer.subarray(begins[from]!, ends[to - 1]!)
          const body = new Uint8Array(start.length + events.length + end.length)
          body.set(start)
          body.set(events, start.length)
          body.set(end, start.length + events.length)
          return body
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
