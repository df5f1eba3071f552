import * as Effect from "effect/Effect"

const interval = 60_000

/**
 * Lets one log line a minute pass: what fails for every request is said as well by one line as by a thousand.
 * Each call makes a gate of its own.
 */
export const makeSparingly = (): ((line: Effect.Effect<void>) => Effect.Effect<void>) => {
  let saidAt = Number.NEGATIVE_INFINITY
  return (line) =>
    Effect.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      if (now >= saidAt && now - saidAt < interval) return Effect.void
      saidAt = now
      return line
    })
}
