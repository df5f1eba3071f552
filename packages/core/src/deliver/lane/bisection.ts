import type { Verdict } from "../Delivery.ts"
import * as Delivery from "../Delivery.ts"

/**
 * After this many 500 or 501 in a row on one batch it may be the batch: the receiver says that it
 * broke on this very request.
 */
const breakagesBefore = 4

/**
 * After this many other failures of one class in a row: a quarter of a minute by the default
 * back-off.
 */
const sameBefore = 5

/** After this many failures of whatever class: what dies on an event may answer in several ways. */
const anyBefore = 10

/**
 * The first part at the front is this much smaller than what has failed, the second one again: two
 * steps from a full batch to a handful.
 */
const smaller = 8

/** Smaller parts at the front before single events. */
const fronts = 2

/**
 * This many parts are tried in rounds that follow one another, which finds what is likely; the
 * others come in one of a few rounds.
 */
const soon = 10
const roundsBetween = 4

/** A part of what is left of a batch, in its order: `count` events after the first `skip`. */
export interface Part {
  readonly skip: number
  readonly count: number
}

/**
 * The parts by which a batch in doubt is looked through: smaller ones at its front, then each event
 * alone. One is sent without those before it only after each of these has failed alone, so order is
 * lost for suspects only.
 *
 * @param first how many events its first range has
 * @param all how many are left of it
 */
const partsToTry = (first: number, all: number): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (let count = Math.ceil(first / smaller); count > 1 && parts.length < fronts; ) {
    parts.push({ skip: 0, count })
    count = Math.ceil(count / smaller)
  }
  // A batch of one event has been tried alone as it is; so has the first of one that begins with an
  // event alone.
  for (let skip = first > 1 ? 0 : 1; skip < all; skip++) parts.push({ skip, count: 1 })
  return parts
}

/**
 * Whether the failures in a row on one batch are the batch's own, or the destination's. Nobody can
 * tell from them alone; but if a part passes right after the whole has failed, it is the batch, and
 * splitting it finds the event. If no part passes, it is the destination.
 *
 * From when it is in doubt on, a failure of the whole is followed by one part: an outage costs
 * {@link soon} more requests, of an eighth of the batch at most, and then one in {@link
 * roundsBetween} rounds.
 */
export interface Doubt {
  readonly failed: (verdict: Verdict) => void
  /**
   * The whole has failed: chooses the part to try next, when it is time. Says whether there is one,
   * or that each event has failed alone by now.
   */
  readonly choose: (first: number, all: number) => "part" | "all failed" | "none"
  /** What {@link Doubt.choose} has chosen, until it has failed too. */
  readonly part: () => Part | null
  readonly partFailed: () => void
  /** How many parts have been tried in vain. */
  readonly tried: () => number
  /** What is left of the batch has changed otherwise than by passing: the parts begin anew. */
  readonly lookAnew: () => void
  /** A part of the batch has passed while the whole failed: what fails of the rest is halved. */
  readonly isSplitting: () => boolean
  readonly split: () => void
  /** How often what is left was halved in vain since something passed last. */
  readonly inVain: () => number
  readonly halvedInVain: () => void
  /**
   * Halving has shown no part that passes: it is the destination after all, or many bad events side
   * by side.
   */
  readonly stopSplitting: () => void
  /** An event has passed. */
  readonly passed: () => void
  /** Another batch is begun. */
  readonly beginBatch: () => void
}

export const makeDoubt = (): Doubt => {
  let failure: string | null = null
  let before = sameBefore
  let same = 0
  let inARow = 0
  let splitting = false
  let inVain = 0
  let tried = 0
  /** Rounds without a part since the last one. */
  let without = 0
  let current: Part | null = null

  const lookAnew = (): void => {
    tried = 0
    without = 0
    current = null
  }

  const passed = (): void => {
    failure = null
    same = 0
    inARow = 0
    inVain = 0
    lookAnew()
  }

  return {
    failed: (verdict) => {
      const now = Delivery.failureOf(verdict)
      same = now === failure ? same + 1 : 1
      failure = now
      inARow += 1
      before = Delivery.isBreakage(verdict) ? breakagesBefore : sameBefore
    },
    choose: (first, all) => {
      if (same < before && inARow < anyBefore) return "none"
      if (tried >= soon && without < roundsBetween - 1) {
        without += 1
        return "none"
      }
      without = 0
      current = partsToTry(first, all)[tried] ?? null
      if (current !== null) return "part"
      return inARow < anyBefore ? "none" : "all failed"
    },
    part: () => current,
    partFailed: () => {
      current = null
      tried += 1
    },
    tried: () => tried,
    lookAnew,
    isSplitting: () => splitting,
    split: () => {
      splitting = true
    },
    inVain: () => inVain,
    halvedInVain: () => {
      inVain += 1
    },
    stopSplitting: () => {
      splitting = false
      inVain = 0
    },
    passed,
    beginBatch: () => {
      passed()
      splitting = false
    },
  }
}
