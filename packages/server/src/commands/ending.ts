import * as Effect from "effect/Effect"

/** Ctrl-C, a signal, or whoever read our output has gone: the end, and no mistake. */
export const ending: Effect.Effect<void> = Effect.callback<void>((resume) => {
  const end = (): void => resume(Effect.void)
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const
  for (const signal of signals) process.once(signal, end)
  process.stdout.once("error", end)
  return Effect.sync(() => {
    for (const signal of signals) process.off(signal, end)
    process.stdout.off("error", end)
  })
})
