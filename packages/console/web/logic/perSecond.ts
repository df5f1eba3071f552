import type { Rows } from "@millrace/core/host"

type Buckets = Pick<Rows.IntakeHistory, "from" | "step" | "since" | "at">

/** ms. A bucket that has counted for less says nothing of a rate: one request would be a surge. */
const least = 5_000

/**
 * Counts by bucket as rates, by how long each was counted: the one in which counting began, and the
 * one that runs, were not for all of their time.
 */
export const perSecond = (
  { from, step, since, at }: Buckets,
  counts: ReadonlyArray<number | null>,
): ReadonlyArray<number | null> =>
  counts.map((count, index) => {
    const begin = Math.max(from + index * step, since)
    const counted = Math.min(from + (index + 1) * step, at) - begin
    return count === null || counted < least ? null : count / (counted / 1000)
  })
