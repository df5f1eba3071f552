import * as Effect from "effect/Effect"

/** A page has one, and hundreds of people may look on. */
const maxStreams = 500

/**
 * The streams of a process that are open: each holds a connection, and reads the log or waits for
 * it.
 */
export interface Streams {
  readonly most: number
  /**
   * Runs what writes a stream to its end, or until nothing may be open any more: no page keeps a
   * process that is to stop. Gives whether it has come to its end.
   *
   * @param full what is done instead when there are as many as there may be
   */
  readonly run: <A, E, B, E2>(
    stream: Effect.Effect<A, E>,
    full: Effect.Effect<B, E2>,
  ) => Effect.Effect<boolean, E | E2>
}

/** @param ending of the process, or of what it serves */
export const make = (ending?: AbortSignal, most = maxStreams): Streams => {
  const open = new Set<() => void>()
  ending?.addEventListener(
    "abort",
    () => {
      for (const stop of open) stop()
    },
    { once: true },
  )
  /** Adds itself, and ends when it is told to. */
  const stopped = Effect.callback<boolean>((resume) => {
    const stop = (): void => resume(Effect.succeed(false))
    open.add(stop)
    return Effect.sync(() => open.delete(stop))
  })
  return {
    most,
    run: (stream, full) =>
      Effect.gen(function* () {
        if (open.size >= most || ending?.aborted === true) {
          yield* full
          return false
        }
        return yield* Effect.raceFirst(stopped, Effect.as(stream, true))
      }),
  }
}
