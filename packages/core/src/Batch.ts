import type { BatchLimits } from "./Destination.ts"

export type Format = "array" | "data"

const encoder = new TextEncoder()
const decoder = new TextDecoder()
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

/** Texts are encoded together, so many UTF-16 units at a time: encoding each event by itself takes twice as long. */
const encodedTogether = 16 * 1024

/** Collects events as JSON text until count or bytes are reached; time is the lane's. */
export interface BatchBuilder {
  readonly count: number
  /** False, and nothing changes, when the event does not fit any more. The first event always fits. */
  readonly add: (event: string) => boolean
  readonly isFull: () => boolean
  /** Of the body as far as it is encoded; whole once it is closed. */
  readonly bytes: number
  /** Encodes what was added: from now on nothing is kept of the larger texts that events may be cut from. */
  readonly encode: () => void
  readonly close: () => Batch
}

/** @param sizeHint of the body, in bytes, as far as that can be foreseen: then the body is not copied while it grows */
export const make = (limits: BatchLimits, format: Format, sizeHint = 16 * 1024): BatchBuilder => {
  const start = opening[format]
  const end = closing[format]
  let buffer = start
  /** Bytes of the body so far, without {@link pending}. */
  let length = start.length
  /** What is not encoded yet, commas included. It surely fits: each of its units may take the 3 bytes that are the most. */
  let pending = ""
  /** UTF-16 units of the body up to the end of each event. */
  const ends: Array<number> = []
  let units = start.length

  const grow = (bytes: number): void => {
    if (bytes <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, bytes, sizeHint))
    larger.set(buffer.subarray(0, length))
    buffer = larger
  }

  /** Writes a text behind the body, of which it becomes a part only when its bytes are added to `length`. */
  const write = (text: string): number => {
    grow(length + text.length + end.length)
    const { read, written } = encoder.encodeInto(text, buffer.subarray(length))
    if (read === text.length) return written
    grow(length + text.length * 3 + end.length)
    return encoder.encodeInto(text, buffer.subarray(length)).written
  }

  const encode = (): void => {
    if (pending === "") return
    length += write(pending)
    pending = ""
  }

  /** Most bytes that a body which ends in so many units not encoded yet can have. */
  const most = (unencoded: number): number => length + unencoded * 3 + end.length

  return {
    get count() {
      return ends.length
    },
    get bytes() {
      return length
    },
    isFull: () =>
      ends.length >= limits.maxEvents || (pending === "" && length + end.length >= limits.maxBytes),
    add: (event) => {
      const isFirst = ends.length === 0
      if (!isFirst && ends.length >= limits.maxEvents) return false
      const separated = isFirst ? event.length : event.length + 1
      if (most(pending.length + separated) >= limits.maxBytes) encode()
      if (most(pending.length + separated) < limits.maxBytes) {
        pending = isFirst ? event : `${pending},${event}`
        if (pending.length >= encodedTogether) encode()
      } else {
        const written = write(isFirst ? event : `,${event}`)
        if (!isFirst && length + written + end.length > limits.maxBytes) return false
        length += written
      }
      units += separated
      ends.push(units)
      return true
    },
    encode,
    close: () => {
      encode()
      grow(length + end.length)
      buffer.set(end, length)
      length += end.length
      const whole = buffer.subarray(0, length)
      return {
        count: ends.length,
        body: ([from, to]) => {
          if (from === 0 && to === ends.length) return whole
          // Seldom asked for: the texts are found again by their lengths.
          const events = decoder
            .decode(whole)
            .slice(from === 0 ? start.length : ends[from - 1]! + 1, ends[to - 1]!)
          const part = make({ ...limits, maxBytes: Number.POSITIVE_INFINITY }, format, events.length)
          part.add(events)
          return part.close().body([0, 1])
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
