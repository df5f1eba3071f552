import { mayPass, type Store, type StoreError } from "@millrace/core"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/**
 * ms between two attempts, doubling: a store that comes up is noticed at once, and one that takes
 * long is not hammered.
 */
const pause = { first: 100, most: 2_000 }

/** By a clock that nobody sets, in ms. */
const now = Effect.clockWith((clock) => Effect.succeed(Number(clock.monotonicTimeNanosUnsafe()) / 1e6))

export interface Waiting {
  /** For how long in all, in ms: 0 tries once. */
  readonly patience: number
  /** As it may be shown. */
  readonly name: string
}

/** What an attempt has opened is closed again when it fails. */
const attempt = Effect.fnUntraced(function* (layer: Layer.Layer<Store.Store, StoreError>) {
  const scope = yield* Scope.fork(yield* Scope.Scope)
  return yield* Effect.onExit(Layer.buildWithScope(layer, scope), (exit) =>
    Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void,
  )
})

/**
 * Opens a store, until the scope closes. Waits for one that cannot be used now and may later, and
 * says so once: databases are often started together with the programs that use them, and take
 * longer.
 */
export const waitForStore = (
  layer: Layer.Layer<Store.Store, StoreError>,
  { patience, name }: Waiting,
): Effect.Effect<Context.Context<Store.Store>, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const deadline = (yield* now) + patience
    for (let tries = 0; ; tries++) {
      const found = yield* Effect.result(attempt(layer))
      if (found._tag === "Success") return found.success
      const { failure } = found
      const left = deadline - (yield* now)
      if (!mayPass(failure.reason) || left <= 0) return yield* failure
      if (tries === 0) {
        yield* Effect.logWarning("the store cannot be used yet, and is waited for").pipe(
          Effect.annotateLogs({
            store: name,
            reason: failure.message,
            seconds: Math.round(patience / 1_000),
          }),
        )
      }
      yield* Effect.sleep(Math.min(pause.first * 2 ** Math.min(tries, 10), pause.most, left))
    }
  })
