import type { StorePlace } from "@millrace/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Attempts } from "../../src/ports/Attempts.ts"
import { Counters } from "../../src/ports/Counters.ts"
import { Cursors } from "../../src/ports/Cursors.ts"
import { DeadLetters } from "../../src/ports/DeadLetters.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import { Documents } from "../../src/ports/Documents.ts"
import { EventLog } from "../../src/ports/EventLog.ts"
import { Keys } from "../../src/ports/Keys.ts"
import { Members } from "../../src/ports/Members.ts"
import { closed } from "../../src/ports/memory/memoryPort.ts"
import * as Store from "../../src/ports/Store.ts"
import { StoreHealth } from "../../src/ports/StoreHealth.ts"

const ports = [
  EventLog,
  Cursors,
  DeadLetters,
  Attempts,
  Destinations,
  Documents,
  Keys,
  Counters,
  Members,
  StoreHealth,
] as const

/**
 * The same store seen through a connection of its own: when that is closed, nothing comes through
 * it any more.
 */
export const connect = (store: Context.Context<Store.Store>) =>
  Effect.gen(function* () {
    const closing = Latch.makeUnsafe(false)
    yield* Effect.addFinalizer(() => closing.open)
    const isClosed = Effect.andThen(closing.await, Effect.fail(closed()))
    const through = (call: Effect.Effect<unknown, unknown>) => Effect.raceFirst(isClosed, call)
    let view: Context.Context<never> = Context.empty()
    for (const port of ports) {
      const service = Context.get(store, port as unknown as Context.Key<Store.Store, object>)
      const connected = Object.entries(service).map(([name, member]) => [
        name,
        typeof member === "function"
          ? (...args: ReadonlyArray<unknown>) => through(member(...args))
          : Effect.isEffect(member)
            ? through(member as Effect.Effect<unknown, unknown>)
            : member,
      ])
      view = Context.add(view, port as unknown as Context.Key<never, object>, Object.fromEntries(connected))
    }
    return view as Context.Context<Store.Store>
  })

/** A place whose store in memory outlives its openings, however many there are at once. */
export const sharedPlace = (): StorePlace => {
  const scope = Scope.makeUnsafe()
  let store: Context.Context<Store.Store> | undefined
  return {
    open: (options) =>
      Layer.effectContext(
        Effect.gen(function* () {
          store ??= yield* Layer.buildWithScope(Store.layerMemory({ ...options, shared: true }), scope)
          return yield* connect(store)
        }),
      ),
    remove: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  }
}
