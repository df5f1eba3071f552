import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Reads whole ms on the monotonic clock, for waits and deadlines within a process. They compare
 * with one another only, and go on however the wall clock is set.
 */
export const monotonicMillisOf = (clock: Clock.Clock): number =>
  Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

export const monotonicMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.succeed(monotonicMillisOf(clock)),
)
