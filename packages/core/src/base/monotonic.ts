import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Whole ms on the monotonic clock: what waits and deadlines within a process are counted in. They compare with one another only, and
 * go on however the wall clock is set.
 */
export const monotonicMillisOf = (clock: Clock.Clock): number =>
  Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

export const monotonicMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.succeed(monotonicMillisOf(clock)),
)
