import { mayPass, type StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"

/** Bounds what a store may need to find its server again, or to notice what has become of it. */
const maxTries = 1000

/** What lies between two tries, in real time: the store waits for a server that has its own. */
export const aMoment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))

/** Asks again for as long as the store does not answer. */
export const answered = <A, R>(call: Effect.Effect<A, StoreError, R>): Effect.Effect<A, StoreError, R> =>
  Effect.gen(function* () {
    for (let tries = 1; ; tries++) {
      const outcome = yield* Effect.result(call)
      if (outcome._tag === "Success") return outcome.success
      if (!mayPass(outcome.failure.reason) || tries === maxTries) return yield* outcome.failure
      yield* aMoment
    }
  })

/** How a call fails once the store has noticed that what it acknowledged is lost. */
export const lostBy = (call: Effect.Effect<unknown, StoreError>): Effect.Effect<StoreError | null> =>
  Effect.gen(function* () {
    for (let tries = 1; ; tries++) {
      const outcome = yield* Effect.result(call)
      if (outcome._tag === "Failure" && outcome.failure.reason._tag === "Lost") return outcome.failure
      if (tries === maxTries) return null
      yield* aMoment
    }
  })
