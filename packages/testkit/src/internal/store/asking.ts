import { mayPass, type StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** Bounds what a store may need to find its server again, or to notice what has become of it. */
const maxTries = 1000

/** What lies between two tries, in real time: the store waits for a server that has its own. */
export const aMoment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))

/** Asks again until an answer is of a kind, or there were tries enough. Returns the last answer. */
const asking = <A, R>(
  call: Effect.Effect<A, StoreError, R>,
  isWanted: (answer: Result.Result<A, StoreError>) => boolean,
): Effect.Effect<Result.Result<A, StoreError>, never, R> =>
  Effect.gen(function* () {
    for (let tries = 1; ; tries++) {
      const answer = yield* Effect.result(call)
      if (isWanted(answer) || tries === maxTries) return answer
      yield* aMoment
    }
  })

/** Asks again for as long as the store does not answer. */
export const answered = <A, R>(call: Effect.Effect<A, StoreError, R>): Effect.Effect<A, StoreError, R> =>
  Effect.flatMap(
    asking(call, (answer) => Result.isSuccess(answer) || !mayPass(answer.failure.reason)),
    Effect.fromResult,
  )

const isLost = <A>(answer: Result.Result<A, StoreError>): answer is Result.Failure<A, StoreError> =>
  Result.isFailure(answer) && answer.failure.reason._tag === "Lost"

/** How a call fails once the store has noticed that what it acknowledged is lost. */
export const lostBy = (call: Effect.Effect<unknown, StoreError>): Effect.Effect<StoreError | null> =>
  Effect.map(asking(call, isLost), (answer) => (isLost(answer) ? answer.failure : null))
