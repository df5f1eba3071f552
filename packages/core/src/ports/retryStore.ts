import * as Effect from "effect/Effect"
import { mayPass, StoreError } from "./StoreError.ts"

/**
 * ms: 100, doubling up to 5,000. A store that comes back is noticed soon, one that is down is not
 * hammered.
 */
const firstPause = 100
const longestPause = 5_000

const passes = (error: unknown): boolean => error instanceof StoreError && mayPass(error.reason)

const tryAfter = <A, E>(effect: Effect.Effect<A, E>, pause: number): Effect.Effect<A, E> =>
  Effect.catchIf(effect, passes, () =>
    Effect.andThen(Effect.sleep(pause), tryAfter(effect, Math.min(pause * 2, longestPause))),
  )

/**
 * Tries again for as long as the store cannot do it now; what does not pass by itself fails. Not
 * by `Effect.retry`: every batch asks a store several times, and a schedule that is made and never
 * used costs more than what memory or SQLite does.
 */
export const retryStore = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  tryAfter(effect, firstPause)
