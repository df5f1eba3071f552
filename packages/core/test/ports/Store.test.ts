import { EventLog, Store } from "@millrace/core"
import { Cursors } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"

const names = Effect.flatMap(Cursors.Cursors, (cursors) =>
  Effect.map(cursors.list, (listed) => listed.map(({ name }) => name)),
)

const acquire = (name: string) => Effect.flatMap(Cursors.Cursors, (cursors) => cursors.acquire(name))

describe("layerMemory", () => {
  it("is another store with every call", () =>
    Effect.gen(function* () {
      yield* Effect.provide(acquire("a/0"), Store.layerMemory())
      expect(yield* Effect.provide(names, Store.layerMemory())).toEqual([])
    }).pipe(Effect.runPromise))

  it("is one store wherever one layer value is used", () =>
    Effect.gen(function* () {
      const store = Store.layerMemory()
      const acquired = Layer.effectDiscard(acquire("a/0")).pipe(Layer.provide(store))
      const listed = yield* Effect.provide(names, Layer.merge(acquired, store))
      expect(listed).toEqual(["a/0"])
    }).pipe(Effect.runPromise))

  it("hands its cap to the log", () =>
    Effect.gen(function* () {
      const log = yield* EventLog.EventLog
      const entry = { id: "a", events: 1, envelope: "{}", body: new Uint8Array(9) }
      expect((yield* Effect.flip(log.append([entry]))).reason._tag).toBe("Full")
    }).pipe(Effect.provide(Store.layerMemory({ maxBytes: 10 })), Effect.runPromise))
})
