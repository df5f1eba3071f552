import type * as Batch from "../../Batch.ts"
import type { Collected } from "../collector.ts"
import type { Place } from "../Feed.ts"

/** A batch on its way, and what is left of it. */
export interface OpenBatch extends Omit<Collected, "ranges"> {
  readonly buckets: number
  readonly start: Place
  /** The same as the one that was open when the lane last looked: what is known of its failures still holds. */
  readonly isResumed: boolean
  todo: ReadonlyArray<Batch.Range>
  /** Nobody reads its bodies any more but the lane itself. */
  areBodiesFree: boolean
  /** It is being split because of 500s. */
  splitting: boolean
  /** What it was before that: what it is put back to when nothing passes. */
  whole: { readonly todo: ReadonlyArray<Batch.Range>; readonly suspects: number } | null
}

export const withFirstAlone = ([
  first,
  ...others
]: ReadonlyArray<Batch.Range>): ReadonlyArray<Batch.Range> => {
  const [from, to] = first!
  return to - from === 1 ? [first!, ...others] : [[from, from + 1], [from + 1, to], ...others]
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
