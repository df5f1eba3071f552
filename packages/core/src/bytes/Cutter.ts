import { Slice, type Slices, toTheEnd } from "../base/slices.ts"
import { bytesOf } from "./jsonBytes.ts"
import { bareNumberEnd } from "./jsonTokens.ts"

/** What is left out, and what stands in its place. */
export interface Cut {
  readonly from: number
  readonly to: number
  readonly by: "" | "null"
}

/** The share of a buffer that is worth keeping all of it: less is copied out of it. */
const tight = 7 / 8

/** Bytes of work that a cut counts for. */
const perCut = 16

const written = { "": bytesOf(""), null: bytesOf("null") }

/** In bytes. Up to here a loop costs less than a call of `set` and the view that it needs. */
const longestInLoop = 64

/**
 * Makes the bytes without what is cut. Cuts come in the order in which they stand there; one within
 * another changes nothing.
 */
export class Cutter {
  private readonly bytes: Uint8Array
  private readonly longer: number
  private into: Uint8Array | null = null
  private length = 0
  /** Up to here everything has been copied or cut. */
  private done = 0

  /**
   * @param longer how many bytes longer the result may be, where a cut leaves more than it takes
   */
  constructor(bytes: Uint8Array, longer = 0) {
    this.bytes = bytes
    this.longer = longer
  }

  cut({ from, to, by }: Cut): void {
    if (from < this.done) return
    this.into ??= new Uint8Array(this.bytes.length + this.longer)
    this.copy(this.into, this.bytes, this.done, from)
    this.copy(this.into, written[by], 0, by.length)
    this.done = to
  }

  /** The same bytes when nothing was cut. */
  whole(): Uint8Array {
    const { bytes, into } = this
    if (into === null) return bytes
    this.copy(into, bytes, this.done, bytes.length)
    const isTight = this.length > into.length * tight
    return isTight ? into.subarray(0, this.length) : into.slice(0, this.length)
  }

  private copy(into: Uint8Array, source: Uint8Array, from: number, to: number): void {
    let at = this.length
    this.length = at + to - from
    if (to - from > longestInLoop) into.set(source.subarray(from, to), at)
    else for (let next = from; next < to; next++, at++) into[at] = source[next]!
  }
}

/**
 * The bytes with `null` in place of bare numbers.
 *
 * @param starts where they begin
 */
export function* withoutBareNumbersInSlices(
  bytes: Uint8Array,
  starts: ReadonlyArray<number>,
  slice: Slice,
): Slices<Uint8Array> {
  const cutter = new Cutter(bytes, starts.length)
  for (const from of starts) {
    if (slice.isFull(perCut)) yield
    cutter.cut({ from, to: bareNumberEnd(bytes, from), by: "null" })
  }
  return cutter.whole()
}

export const withoutBareNumbers = (bytes: Uint8Array, starts: ReadonlyArray<number>): Uint8Array =>
  toTheEnd(withoutBareNumbersInSlices(bytes, starts, new Slice()))
