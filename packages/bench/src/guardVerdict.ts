import type { Bound } from "./guardBounds.ts"
import { quantile } from "./report.ts"

/** CPU time of the same work, in microseconds: Millrace's, and the bare way's right beside it. */
export interface Pair {
  readonly millrace: number
  readonly bare: number
}

/**
 * Takes the cheapest turns, since other work on the machine only adds to a turn. The very cheapest
 * may be a lucky one.
 */
export const ratioOf = (pairs: ReadonlyArray<Pair>): number =>
  quantile(
    pairs.map(({ millrace }) => millrace),
    0.1,
  ) /
  quantile(
    pairs.map(({ bare }) => bare),
    0.1,
  )

export type Verdict = "ok" | "too slow" | "ok, faster than its bound: lower it"

export const verdict = (ratio: number, { seen, bound }: Bound): Verdict => {
  if (!(ratio <= bound)) return "too slow"
  return ratio < seen / 1.2 ? "ok, faster than its bound: lower it" : "ok"
}

/** What is too slow is measured again, up to three times in all: the least counts. */
export const leastOf = async (measure: () => Promise<number>, bound: number): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 3 && !(least <= bound); attempt++) least = Math.min(least, await measure())
  return least
}
