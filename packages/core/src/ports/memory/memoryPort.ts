import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { StoreError } from "../StoreError.ts"

/**
 * Makes a memory port's operation an Effect: it reads the caller's clock, and fails with `Closed`
 * after the layer's end.
 */
export type Guard = <A>(
  operation: (clock: Clock.Clock) => Effect.Effect<A, StoreError>,
) => Effect.Effect<A, StoreError>

export const closed = (): StoreError =>
  new StoreError({ reason: { _tag: "Closed" }, message: "the store has been closed" })

export const guard: Effect.Effect<Guard, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => ({ open: true })),
    (state) =>
      Effect.sync(() => {
        state.open = false
      }),
  ),
  (state) => (operation) =>
    Effect.clockWith((clock) => (state.open ? operation(clock) : Effect.fail(closed()))),
)

/**
 * The order of code units, which is that of bytes for ASCII: the same on every machine, unlike a
 * locale's.
 */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
