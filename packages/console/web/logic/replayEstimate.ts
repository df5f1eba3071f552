/** About how many events a replay is about, by what was counted while they arrived. */
import type { Rows } from "@millrace/core/host"
import { sum } from "../text/numbers.ts"

export interface Estimate {
  /** Events that arrived in the range. */
  readonly arrived: number
  /** How many of them are thought to pass the filter of today. */
  readonly passing: number
  /** Part of the range was not counted: before this process began, or before the first bucket. */
  readonly isPartial: boolean
}

interface Range {
  readonly since: number
  readonly until: number
}

/** Buckets on the edge count for the part that the range has of them. */
export const estimate = (
  { from, step, stored, since }: Rows.IntakeHistory,
  range: Range,
  /** The share that passes; 1 where nobody knows. */
  share: number,
): Estimate => {
  let arrived = 0
  let isPartial = range.since < Math.max(from, since)
  stored.forEach((events, at) => {
    const begin = from + at * step
    const part = Math.min(range.until, begin + step) - Math.max(range.since, begin)
    if (part <= 0) return
    if (events === null) isPartial = true
    else arrived += events * (part / step)
  })
  return { arrived: Math.round(arrived), passing: Math.round(arrived * share), isPartial }
}

/** The share of what a destination has looked at that its filter has let pass. */
export const shareOf = ({
  forwarded,
  filtered,
  dead,
}: Pick<Rows.DestinationHistory, "forwarded" | "filtered" | "dead">): number => {
  const passed = sum(forwarded) + sum(dead)
  const all = passed + sum(filtered)
  return all === 0 ? 1 : passed / all
}

export type RangeProblem = "no time" | "ends before it begins" | "in the future" | null

export const problemOf = ({ since, until }: Range, now: number): RangeProblem => {
  if (Number.isNaN(since) || Number.isNaN(until)) return "no time"
  if (until <= since) return "ends before it begins"
  return since > now ? "in the future" : null
}
