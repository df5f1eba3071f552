import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import type { Destination } from "../../select/Destination.ts"
import * as Delivery from "../Delivery.ts"
import type { Released } from "../LaneEnd.ts"
import type { Parcel, Sender, Sent } from "../send/Sender.ts"
import type { Book } from "./progress.ts"
import type { Notice } from "./stopNotice.ts"
import * as Transitions from "./transitions.ts"

/** At most so many requests to split one batch, before the lane rests. */
const maxRequestsPerRound = 32

/** ms: what takes longer to come back is found in a later round. */
const longestPause = 60_000

/**
 * The requests from one wait to the next: a destination that takes nothing is not to be hammered
 * while a batch is split.
 */
export interface Round {
  readonly begin: () => void
  /** Whether the lane has to wait before it sends more requests. */
  readonly isSpent: () => boolean
  readonly somethingPassed: () => boolean

  /** Fails when the lane may not start an attempt any more. */
  readonly send: (parcel: Omit<Parcel, "replay">) => Effect.Effect<Sent, Released>
  /** Something has been delivered. */
  readonly passed: () => void
  /** How long to wait after the failures that the book has. */
  readonly backOff: (retryAfter: number | null) => Effect.Effect<Delivery.Wait>
  /**
   * A wait so short that an outage hardly ends in it, long enough for what died of a request to
   * come back.
   */
  readonly shortPause: (doublings: number, retryAfter: number | null) => Delivery.Wait
  /** Ends the round; the next one begins. Shorter when the lane is released. */
  readonly wait: (wait: Delivery.Wait) => Effect.Effect<void>
  readonly isWaiting: () => boolean
  /** Ends the wait that is under way, if there is one. */
  readonly hurry: Effect.Effect<void>
}

interface Options {
  readonly destination: Destination
  readonly replay: string | null
  readonly sender: Sender
  readonly onChange: () => void
}

/**
 * @param onPassed an event has been delivered: what failures have suggested before is disproved
 */
export const makeRound = (options: Options, book: Book, notice: Notice, onPassed: () => void): Round => {
  const { destination, replay, sender, onChange } = options
  let requests = 0
  let passed = false
  let waiting = false
  const hurried = Latch.makeUnsafe(false)

  const begin = (): void => {
    requests = 0
    passed = false
  }

  return {
    begin,
    isSpent: () => requests >= maxRequestsPerRound,
    somethingPassed: () => passed,

    send: (parcel) => {
      requests += 1
      // Counts what left for the destination, whatever came of it: not what found no way there.
      return Effect.tap(sender.send({ ...parcel, replay }, notice.mayStart), ({ verdict }) =>
        Effect.sync(() => {
          if (verdict.neverLeft !== true) book.change(Transitions.requestSent(parcel.count))
        }),
      )
    },
    passed: () => {
      passed = true
      onPassed()
    },
    backOff: (retryAfter) =>
      Effect.map(Random.next, (random) =>
        Delivery.waitAfter(destination.retry, Math.max(book.state.failures, 1), retryAfter, random),
      ),
    shortPause: (doublings, retryAfter) => {
      const policy = { ...destination.retry, max: Math.min(destination.retry.max, longestPause) }
      return Delivery.waitAfter(policy, doublings + 1, retryAfter, 1)
    },
    wait: Effect.fnUntraced(function* ({ millis }) {
      waiting = true
      onChange()
      yield* Effect.raceFirst(notice.sleep(millis), hurried.await)
      waiting = false
      begin()
    }),
    isWaiting: () => waiting,
    hurry: Effect.asVoid(hurried.release),
  }
}
