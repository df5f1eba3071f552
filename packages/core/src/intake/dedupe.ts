import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Remembered outcomes: a fingerprint each, a hash whatever the body's length. At 1,000 requests/s
 * it is 10 s of traffic, and 1 MB.
 */
export const maxRemembered = 10_000

/**
 * Shares one outcome among calls with the same fingerprint: concurrent ones wait for the first and
 * end as it ends; later ones, within the window after it ended, succeed at once if it succeeded.
 * Failures are not remembered.
 */
export interface Dedupe<E> {
  /**
   * Whether this call is a duplicate: then `first` was not run. Not to be interrupted while `first`
   * is running.
   */
  readonly share: (fingerprint: string, first: Effect.Effect<unknown, E>) => Effect.Effect<boolean, E>
}

/** @param window in ms */
export const makeDedupe = <E>(window: number): Dedupe<E> => {
  // In the order in which they ended, so that the ones to forget stand in front.
  const endedAt = new Map<string, number>()
  const running = new Map<string, Deferred.Deferred<void, E>>()

  // A clock that was set back makes an age negative: rather store twice than take for a duplicate
  // for an hour.
  const isOver = (ended: number, now: number) => now - ended >= window || now < ended

  const forget = (now: number): void => {
    for (const [fingerprint, ended] of endedAt) {
      if (!isOver(ended, now) && endedAt.size <= maxRemembered) return
      endedAt.delete(fingerprint)
    }
  }

  const run = Effect.fnUntraced(function* (
    fingerprint: string,
    outcome: Deferred.Deferred<void, E>,
    first: Effect.Effect<unknown, E>,
    clock: Clock.Clock,
  ) {
    const exit = yield* Effect.exit(first)
    running.delete(fingerprint)
    if (exit._tag === "Success") {
      const now = clock.currentTimeMillisUnsafe()
      // Deleted first, because setting a key anew leaves it in its old place.
      endedAt.delete(fingerprint)
      endedAt.set(fingerprint, now)
      forget(now)
    }
    Deferred.doneUnsafe(outcome, Exit.asVoid(exit))
    yield* exit
    return false
  })

  return {
    // Looked up and entered in one step, between which no other fiber runs.
    share: (fingerprint, first) =>
      Effect.clockWith((clock) => {
        const pending = running.get(fingerprint)
        if (pending !== undefined) return Effect.as(Deferred.await(pending), true)
        const ended = endedAt.get(fingerprint)
        if (ended !== undefined && !isOver(ended, clock.currentTimeMillisUnsafe()))
          return Effect.succeed(true)
        const outcome = Deferred.makeUnsafe<void, E>()
        running.set(fingerprint, outcome)
        return run(fingerprint, outcome, first, clock)
      }),
  }
}
