import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import { monotonicMillis } from "../../base/monotonic.ts"
import { openCircuitAfter } from "../Delivery.ts"

/** One destination's, for all its lanes: live traffic and replays. */
export interface Circuit {
  /** `half-open`: a probe is under way. */
  readonly state: () => "closed" | "open" | "half-open"
  /**
   * Closed, every attempt goes at once. Otherwise one at a time, as a probe, and none before the
   * time that the last failure has set.
   */
  readonly pass: <A, E>(attempt: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly succeeded: () => void
  readonly failed: () => void
  /** After a failure: when the next attempt may be, on the monotonic clock. */
  readonly restUntil: (time: number) => void
  /** The next attempt may be at once, as a probe, whatever the last failure has set. */
  readonly hurry: Effect.Effect<void>
}

export const make = (): Circuit => {
  const probe = Semaphore.makeUnsafe(1)
  let failures = 0
  let restingUntil = Number.NEGATIVE_INFINITY
  let probing = false
  const hurried = Latch.makeUnsafe(false)
  const isClosed = () => failures < openCircuitAfter

  const untilDue = Effect.gen(function* () {
    for (;;) {
      const now = yield* monotonicMillis
      if (isClosed() || restingUntil <= now) return
      yield* Effect.raceFirst(Effect.sleep(restingUntil - now), hurried.await)
    }
  })
  const asProbe = <A, E>(attempt: Effect.Effect<A, E>) =>
    probe.withPermit(
      Effect.andThen(
        untilDue,
        Effect.suspend(() => {
          probing = true
          return Effect.ensuring(
            attempt,
            Effect.sync(() => {
              probing = false
            }),
          )
        }),
      ),
    )

  return {
    state: () => (isClosed() ? "closed" : probing ? "half-open" : "open"),
    pass: (attempt) => Effect.suspend(() => (isClosed() ? attempt : asProbe(attempt))),
    succeeded: () => {
      failures = 0
    },
    failed: () => {
      failures += 1
    },
    restUntil: (time) => {
      restingUntil = time
    },
    hurry: Effect.suspend(() => {
      restingUntil = Number.NEGATIVE_INFINITY
      return Effect.asVoid(hurried.release)
    }),
  }
}
