import * as Effect from "effect/Effect"

const interval = 60_000

/**
 * Lets one log line a minute pass: one line says as well as a thousand what fails for every
 * request. Each call makes its own gate.
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
