import type { RewindablePlace } from "@millrace/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { type Cursor, Cursors } from "../../src/ports/Cursors.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import { EventLog } from "../../src/ports/EventLog.ts"
import { MemoryPartition, serveMemory } from "../../src/ports/memory/memoryEventLog.ts"
import * as Position from "../../src/ports/Position.ts"
import * as Store from "../../src/ports/Store.ts"
import { connect } from "./sharedStore.ts"

const maxBytes = 64 * 1024 * 1024

/**
 * A place whose store in memory outlives its openings, and can be put back to an earlier time, or
 * emptied.
 */
export const rewindablePlace = (): RewindablePlace & { readonly empty: () => Promise<void> } => {
  const scope = Scope.makeUnsafe()
  const partition = new MemoryPartition(maxBytes)
  const log = Layer.effect(
    EventLog,
    Effect.suspend(() => serveMemory([partition])),
  )
  let store: Context.Context<Store.Store> | undefined
  let kept: { readonly head: Position.Position; readonly cursors: ReadonlyArray<Cursor> } | undefined

  const cursors = () => {
    if (store === undefined) throw new Error("the store has not been opened")
    return Context.get(store, Cursors)
  }

  return {
    open: () =>
      Layer.effectContext(
        Effect.gen(function* () {
          store ??= yield* Layer.buildWithScope(Layer.merge(Store.layerMemory({ shared: true }), log), scope)
          return yield* connect(store)
        }),
      ),
    keep: async () => {
      kept = { head: partition.log.head, cursors: await Effect.runPromise(cursors().list) }
    },
    comeBack: () =>
      Effect.runPromise(
        Effect.gen(function* () {
          const before = kept!
          partition.cutBack(before.head)
          const now = new Map((yield* cursors().list).map((cursor) => [cursor.name, cursor]))
          const then = new Map(before.cursors.map((cursor) => [cursor.name, cursor]))
          for (const name of now.keys()) if (!then.has(name)) yield* cursors().remove(name)
          for (const { name, record } of before.cursors) {
            // Owners stay: whose ownership is lost is another matter.
            const owned = now.get(name)?.epoch ?? (yield* cursors().acquire(name)).epoch
            if (record !== null) yield* cursors().save([{ name, epoch: owned, record }])
          }
        }),
      ),
    empty: () =>
      Effect.runPromise(
        Effect.gen(function* () {
          partition.cutBack(Position.origin)
          for (const { name } of yield* cursors().list) yield* cursors().remove(name)
          const destinations = Context.get(store!, Destinations)
          for (const { id } of yield* destinations.list) yield* destinations.remove(id)
        }),
      ),
    remove: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  }
}
