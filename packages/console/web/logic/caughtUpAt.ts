import type { Rows } from "@millrace/core/host"

/** When a destination has caught up, if things go on as they do; `null` when it never does. */
export const caughtUpAt = (
  { rate, filterRate, pending }: Rows.DestinationNow,
  arriving: number,
  now: number,
): number | null => {
  const gain = rate + filterRate - arriving
  return gain > 0 ? now + (pending / gain) * 1000 : null
}
