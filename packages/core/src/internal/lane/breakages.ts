import { isBreakage, type Verdict } from "../../Delivery.ts"

/** After so many complete 500 or 501 replies in a row on one batch, it may be the batch. */
const poisonAfter = 4

/** Complete 500 or 501 replies in a row on one batch, and whether they are reason to split it. */
export interface Breakages {
  readonly count: (verdict: Verdict) => void
  readonly mayBeTheBatch: () => boolean
  /** Another batch is begun. */
  readonly beginBatch: () => void
  /** Splitting has shown an outage, not a bad event: the next split comes later. */
  readonly wereAnOutage: () => void
  /** An event has passed. */
  readonly forget: () => void
}

export const makeBreakages = (): Breakages => {
  let inARow = 0
  let splitAfter = poisonAfter
  return {
    count: (verdict) => {
      inARow = isBreakage(verdict) ? inARow + 1 : 0
    },
    mayBeTheBatch: () => inARow >= splitAfter,
    beginBatch: () => {
      inARow = 0
    },
    wereAnOutage: () => {
      inARow = 0
      splitAfter *= 2
    },
    forget: () => {
      inARow = 0
      splitAfter = poisonAfter
    },
  }
}
