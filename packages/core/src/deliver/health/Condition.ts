import type { Outcome } from "../../ports/Attempts.ts"
import { openCircuitAfter, type Verdict } from "../Delivery.ts"

/**
 * The two ways in which a destination is down: it will be well again, or somebody has to mend it.
 */
export type Failing = Extract<Outcome, "not-now" | "misconfigured">

/** A time on both clocks, in ms: one is shown to people, the other goes on however that is set. */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** Failures without a success between them. */
export interface Failure {
  readonly way: Failing
  readonly since: Moment
  /** All that have failed, those of earlier processes included. */
  readonly attempts: number
  /** Those of this process, in a row. */
  readonly inRow: number
  readonly status: number | null
  /** What a person needs, without what the receiver wrote: that may be anything. */
  readonly cause: string
}

/** What is so of one destination, for all its lanes in this process together. */
export interface Condition {
  readonly failure: Failure | null
  /** Failing before this process had it, as the cursors say: nothing has been tried since. */
  readonly inherited: Pick<Failure, "since" | "attempts"> | null
  /** How many failures have begun in this process. */
  readonly begun: number
  /** The last failure that is over. */
  readonly past: (Pick<Failure, "since" | "attempts"> & { readonly until: Moment }) | null
}

export const well: Condition = { failure: null, inherited: null, begun: 0, past: null }

export const isCircuitOpen = ({ inRow }: Failure): boolean => inRow >= openCircuitAfter

const causeOf = ({ status, error, outcome }: Verdict): string =>
  status === null ? (error ?? outcome) : `answered ${status}`

/** An attempt has found the destination down. */
export const failed = (condition: Condition, way: Failing, verdict: Verdict, now: Moment): Condition => {
  const { failure, inherited, begun } = condition
  const before = failure ?? inherited ?? { since: now, attempts: 0 }
  return {
    ...condition,
    failure: {
      way,
      since: before.since,
      attempts: before.attempts + 1,
      inRow: (failure?.inRow ?? 0) + 1,
      status: verdict.status,
      cause: causeOf(verdict),
    },
    inherited: null,
    begun: failure === null && inherited === null ? begun + 1 : begun,
  }
}

/** An attempt has delivered something. */
export const delivered = (condition: Condition, now: Moment): Condition => {
  const over = condition.failure ?? condition.inherited
  if (over === null) return condition
  const past = { since: over.since, attempts: over.attempts, until: now }
  return { ...condition, failure: null, inherited: null, past }
}

/** A lane is run here from now on, whose cursor remembers failures. */
export const takenOver = (condition: Condition, since: number, attempts: number, now: Moment): Condition => {
  if (condition.failure !== null) return condition
  const known = condition.inherited
  const wall = Math.min(since, known?.since.wall ?? since)
  const monotonic = now.monotonic - Math.max(now.wall - wall, 0)
  return {
    ...condition,
    inherited: { since: { wall, monotonic }, attempts: Math.max(attempts, known?.attempts ?? 0) },
  }
}
