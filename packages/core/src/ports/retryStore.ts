import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { mayPass, StoreError } from "./StoreError.ts"

/**
 * 100 ms, doubling up to 5 s: a store that comes back is noticed soon, one that is down is not
 * hammered.
 */
const schedule = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

/** Tries again for as long as the store cannot do it now; what does not pass by itself fails. */
export const retryStore = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.retry(effect, {
    schedule,
    while: (error) => error instanceof StoreError && mayPass(error.reason),
  })
