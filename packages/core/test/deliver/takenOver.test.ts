import { Store } from "@millrace/core"
import { Cursors } from "@millrace/core/store"
import { testPipeline } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { expect, test } from "vitest"

test("a lane that was taken over takes itself back when the other is gone, and sends what came meanwhile", async () => {
  const scope = Scope.makeUnsafe()
  const store = await Effect.runPromise(Layer.buildWithScope(Store.layerMemory(), scope))
  const pipeline = await testPipeline({
    store: () => Layer.succeedContext(store),
    destinations: [{ id: "d", url: "https://d.test/", batch: { maxDelay: 0 } }],
  })
  await pipeline.log({ eventName: "before" })
  await pipeline.advance("1 minute")
  // The other takes the lane, delivers nothing, and is gone without a word.
  await Effect.runPromise(
    Effect.provideContext(
      Cursors.Cursors.use((cursors) => cursors.acquire("d/0")),
      store,
    ),
  )
  await pipeline.log({ eventName: "meanwhile" })
  await pipeline.advance("1 minute")
  await pipeline.log({ eventName: "after" })
  await pipeline.advance("1 minute")
  const names = new Set(pipeline.receiver("d").events.map(({ eventName }) => eventName))
  expect(names).toEqual(new Set(["before", "meanwhile", "after"]))
  expect(await pipeline.destinations()).toMatchObject([{ due: 3, pending: 0 }])
  await pipeline.dispose()
})
