import { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Failure } from "./errors.ts"
import type { Outcome } from "./protocol.ts"

export const full = (message: string): StoreError => new StoreError({ reason: { _tag: "Full" }, message })

export const closed = (): StoreError =>
  new StoreError({ reason: { _tag: "Closed" }, message: "the store has been closed" })

/** A failure of what was not asked about a position. */
export const fail = (failure: Failure): Effect.Effect<never, StoreError> => {
  switch (failure.kind) {
    case "refused":
      return Effect.fail(new StoreError({ reason: failure.reason, message: failure.message }))
    case "defect":
      return Effect.die(new Error(failure.message))
    case "outside":
    case "another":
      return Effect.die(new Error(`no position was asked for, and it is ${failure.kind}`))
  }
}

export const toEffect = <A>(outcome: Outcome<A>): Effect.Effect<A, StoreError> =>
  outcome.kind === "done" ? Effect.succeed(outcome.value) : fail(outcome)
