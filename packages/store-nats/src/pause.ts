import * as Effect from "effect/Effect"

/** By the machine's clock, in ms: the caller's may be a test's. Keeps no process alive. */
export const pause = (millis: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), millis).unref()
    return Effect.sync(() => clearTimeout(timer))
  })
