import { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"

/** A `StoreError` is an expected failure; anything else is a mistake of this program. */
export const failed = (error: unknown): Effect.Effect<never, StoreError> =>
  error instanceof StoreError ? Effect.fail(error) : Effect.die(error)

export const fromPromise = <A>(body: () => Promise<A>): Effect.Effect<A, StoreError> =>
  Effect.callback((resume) => {
    body().then(
      (value) => resume(Effect.succeed(value)),
      (error: unknown) => resume(failed(error)),
    )
  })
