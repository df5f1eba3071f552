import type * as Batch from "./Batch.ts"
import type { Collected } from "./batchBuckets.ts"
import type { Part } from "./bisection.ts"

/**
 * What is in memory of the batch that is open. Which of its events are left is remembered with the
 * lane's state, and so is where it begins.
 */
export interface OpenBatch extends Pick<Collected, "taken" | "batch"> {
  /**
   * The same as the one that was open when the lane last looked: what is known of its failures
   * still holds.
   */
  readonly isResumed: boolean
  /**
   * Several of its ranges may be parts of one bucket: to keep the order of each user's events they
   * go one after the other.
   */
  isSplit: boolean
  /** Nobody reads its bodies any more but the lane itself. */
  areBodiesFree: boolean
}

/** The parts of a range for which a condition does not hold. */
export const without = (
  [from, to]: Batch.Range,
  gone: (index: number) => boolean,
): ReadonlyArray<Batch.Range> => {
  const left: Array<Batch.Range> = []
  for (let at = from; at < to; at++) {
    if (gone(at)) continue
    const last = left.at(-1)
    if (last !== undefined && last[1] === at) left[left.length - 1] = [last[0], at + 1]
    else left.push([at, at + 1])
  }
  return left
}

/** How many events some ranges have. */
export const countOf = (ranges: ReadonlyArray<Batch.Range>): number =>
  ranges.reduce((count, [from, to]) => count + to - from, 0)

/** Where the first so many events of some ranges stand. */
export const firstOf = (ranges: ReadonlyArray<Batch.Range>, count: number): ReadonlyArray<number> => {
  const first: Array<number> = []
  for (const [from, to] of ranges) {
    for (let at = from; at < to && first.length < count; at++) first.push(at)
  }
  return first
}

/** The range of a part; it does not reach over the end of the range it begins in. */
export const rangeOf = (ranges: ReadonlyArray<Batch.Range>, { skip, count }: Part): Batch.Range => {
  let before = skip
  for (const [from, to] of ranges) {
    if (from + before < to) return [from + before, Math.min(from + before + count, to)]
    before -= to - from
  }
  throw new RangeError(`there is no event after ${skip} others`)
}

/** What is left of some ranges without one that lies in them. */
export const takeOut = (
  ranges: ReadonlyArray<Batch.Range>,
  [from, to]: Batch.Range,
): ReadonlyArray<Batch.Range> =>
  ranges.flatMap((range): ReadonlyArray<Batch.Range> => {
    const [start, end] = range
    if (from < start || end < to) return [range]
    const parts: ReadonlyArray<Batch.Range> = [
      [start, from],
      [to, end],
    ]
    return parts.filter(([partStart, partEnd]) => partStart < partEnd)
  })

/** The first event of a range, and the others. */
export const firstAlone = ([from, to]: Batch.Range): ReadonlyArray<Batch.Range> =>
  to - from === 1
    ? [[from, to]]
    : [
        [from, from + 1],
        [from + 1, to],
      ]

/** A range in parts of at most so many events. */
export const cut = ([from, to]: Batch.Range, count: number): ReadonlyArray<Batch.Range> => {
  const parts: Array<Batch.Range> = []
  for (let at = from; at < to; at += count) parts.push([at, Math.min(at + count, to)])
  return parts
}
