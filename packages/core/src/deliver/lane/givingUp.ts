import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { RetryPolicy } from "../../select/Destination.ts"
import type { Book } from "./progress.ts"

/**
 * A batch is cut into this many parts before anything of it is given up: with one bad event the
 * others pass in a few requests.
 */
const partsFirst = 32

/**
 * ms. A lane that is further behind with giving up has had thousands of events fail one by one,
 * with nothing passing. It goes on with a part at a time, and so is done before the log drops what
 * it waits for, a day after `giveUpAfter` at the earliest.
 */
const longestBehind = 6 * 60 * 60 * 1000

/** For how long after they might be given up events still die alone only. */
export const aloneFor = (giveUpAfter: number): number => Math.min(giveUpAfter, longestBehind)

/** Which events of a batch are given up, and how many of them at once. */
export interface GivingUp {
  /**
   * An event received then (ms since the epoch) or earlier is given up when it fails; `null` while
   * the destination has not failed for long enough.
   */
  readonly limit: Effect.Effect<number | null>
  /**
   * How many events may die of one failed request. A request with more is cut into parts of so many
   * instead: of a 32nd of the batch first, and then of one event, so that no event dies because of
   * another. Once the oldest is overdue by {@link aloneFor}, a 32nd is enough: that takes as many
   * bad events, with none between them that passes, as can fail alone in that time. With the
   * shortest pause of 2 s that is 10,800 of them by default.
   *
   * @param failed how many events the request had
   * @param all how many the batch had
   * @param oldest when the first of them was received
   */
  readonly most: (failed: number, all: number, oldest: number, limit: number) => number
}

export const makeGivingUp = (retry: RetryPolicy, book: Book): GivingUp => ({
  limit: Effect.gen(function* () {
    const { giveUpAfter } = retry
    const { failingSince } = book.state
    if (failingSince === null) return null
    const failingFor = yield* book.failingFor
    if (failingFor < giveUpAfter) return null
    // A clock that was set ahead since the failures began makes nothing old.
    return Math.min(yield* Clock.currentTimeMillis, failingSince + failingFor) - giveUpAfter
  }),
  most: (failed, all, oldest, limit) => {
    const part = Math.max(Math.ceil(all / partsFirst), 1)
    return failed > part || limit - oldest > aloneFor(retry.giveUpAfter) ? part : 1
  },
})
