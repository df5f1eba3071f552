import { ByteWriter } from "../../bytes/ByteWriter.ts"
import type { RequestOrigin } from "../../ports/Sink.ts"
import type { BatchLimits } from "../../select/Destination.ts"
import type { Layout } from "./layout.ts"

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
  /** What the request of these events said for all of them; `null` where nobody asks. */
  readonly origin: (range: Range) => RequestOrigin | null
  /**
   * What the whole bodies were written into: whoever writes there again changes what {@link
   * Batch.body} has returned.
   */
  readonly bodies: ReadonlyArray<ByteWriter>
}

/** Collects events in JSON until count or bytes are reached; time is the lane's. */
export interface BatchBuilder {
  /**
   * Where to write the next event: then it is to be added, or left out. `null` when it is of
   * another origin than those that are here: one request has one origin.
   */
  readonly begin: (origin: RequestOrigin | null) => ByteWriter | null
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

const isSame = (one: RequestOrigin | null, other: RequestOrigin | null): boolean =>
  one !== null &&
  other !== null &&
  one.keyId === other.keyId &&
  one.statsigMetadata === other.statsigMetadata &&
  one.sdkType === other.sdkType &&
  one.sdkVersion === other.sdkVersion &&
  one.ip === other.ip &&
  one.relayedBy === other.relayedBy

const decoder = new TextDecoder()

/** @param makeBody where to write: asked for when there is something to write */
export const make = (
  limits: BatchLimits,
  layout: Layout,
  makeBody: () => ByteWriter = () => new ByteWriter(roomAtFirst),
): BatchBuilder => {
  const { opening, separator, render } = layout
  let origin: RequestOrigin | null = null
  let end = layout.closing(null)
  let body = nothing
  /** Where each event ends. */
  const ends: Array<number> = []
  const startOf = (index: number): number => (index === 0 ? opening.bytes.length : ends[index - 1]! + 1)
  const cancel = (): void => body.cut(ends.at(-1) ?? 0)

  const framed = ([from, to]: Range): Uint8Array => {
    if (from === 0 && to === ends.length) return body.written
    const part = new ByteWriter(0)
    part.piece(opening)
    part.copy(body, startOf(from), ends[to - 1]!)
    part.piece(end)
    return part.written
  }
  const textsOf = ([from, to]: Range): ReadonlyArray<string> =>
    Array.from({ length: to - from }, (_, at) =>
      decoder.decode(body.bytes.subarray(startOf(from + at), ends[from + at]!)),
    )

  return {
    isFull: () => ends.length >= limits.maxEvents || body.length + end.bytes.length >= limits.maxBytes,
    begin: (next) => {
      if (ends.length > 0) {
        if (next !== origin && !isSame(next, origin)) return null
        body.byte(separator)
      } else {
        if (body === nothing) body = makeBody()
        if (next !== null) end = layout.closing(next)
        origin = next
        body.piece(opening)
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
        origin: () => origin,
        body: render === null ? framed : (range) => render(textsOf(range)),
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
  const within = <A>([from, to]: Range, ask: (batch: Batch, range: Range) => A): A => {
    const part = parts.find((one) => from < one.to)!
    return ask(part.batch, [from - part.from, to - part.from])
  }
  return {
    batch: {
      count,
      bodies: batches.flatMap(({ bodies }) => bodies),
      body: (range) => within(range, (batch, own) => batch.body(own)),
      origin: (range) => within(range, (batch, own) => batch.origin(own)),
    },
    ranges: parts.map(({ from, to }) => [from, to]),
  }
}
