import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"
import * as Millrace from "../src/Millrace.ts"
import * as Store from "../src/Store.ts"
import { StoreError } from "../src/StoreError.ts"
import { StoreHealth } from "../src/StoreHealth.ts"
import { Transport } from "../src/Transport.ts"
import { layerTest } from "./support/codec.ts"
import { request, serverKey } from "./support/intake.ts"

test("what is done by hand is there without Effect, too", async () => {
  const requests: Array<number> = []
  let arrived = () => {}
  const next = () =>
    new Promise<void>((resolve) => {
      arrived = resolve
    })
  const transport = Layer.succeed(Transport, {
    send: ({ body }) =>
      Effect.sync(() => {
        requests.push((JSON.parse(new TextDecoder().decode(body)) as ReadonlyArray<unknown>).length)
        arrived()
        return { status: 200, retryAfter: null, body: "" }
      }),
  })
  const millrace = await Millrace.make({
    keys: { server: [serverKey] },
    destinations: [{ id: "warehouse", url: "https://warehouse.test/hook", batch: { maxDelay: 0 } }],
    store: Store.layerMemory(),
    transport,
    codec: layerTest,
  })
  const post = (...events: ReadonlyArray<unknown>) =>
    millrace.handle(request({ body: JSON.stringify({ events, statsigMetadata: { sdkType: "any" } }) }))

  await millrace.disable("warehouse")
  expect((await post({ eventName: "a" }, { eventName: "b" }, { eventName: "" })).status).toBe(202)
  expect(await millrace.skip("warehouse")).toBe(2)
  expect(await millrace.rewind("warehouse", 0)).toBe(2)

  const first = next()
  await millrace.enable("warehouse")
  await first
  const second = next()
  const range = { destination: "warehouse", since: 0, until: Date.now() + 60_000 }
  expect(await millrace.replay(range)).toMatch(/^replay-/)
  await second
  expect(requests).toEqual([2, 2])

  const destination = "warehouse"
  expect(await millrace.replayDeadLetters({ destination })).toEqual({
    replayed: 0,
    failed: [],
    stopped: null,
  })
  await expect(millrace.replayDeadLetters({ destination: "intake" })).rejects.toMatchObject({
    _tag: "NotReplayable",
  })
  await expect(millrace.enable("other")).rejects.toMatchObject({ _tag: "UnknownDestination" })
  expect(await millrace.purgeDeadLetters({ destination: "intake" })).toBe(1)
  expect((await millrace.deadLetters()).letters).toEqual([])
  expect(await millrace.close()).toEqual({ drained: true, pending: [] })
})

test("a store that hangs, or reads and does not write, is not ready", async () => {
  let probe: StoreHealth["Service"]["probe"] = Effect.void
  const health = Layer.succeed(StoreHealth, {
    probe: Effect.suspend(() => probe),
    examine: Effect.succeed([]),
  })
  const store = Layer.merge(Store.layerMemory(), health)
  const transport = Layer.succeed(Transport, { send: () => Effect.never })
  const millrace = await Millrace.make({ keys: "none", store, transport, codec: layerTest })
  expect(await millrace.ready()).toBe(true)
  probe = Effect.fail(new StoreError({ reason: { _tag: "ReadOnly" }, message: "read-only" }))
  expect(await millrace.ready()).toBe(false)
  probe = Effect.uninterruptible(Effect.never)
  expect(await millrace.ready()).toBe(false)
  probe = Effect.void
  expect(await millrace.ready()).toBe(true)
  await millrace.close()
  expect(await millrace.ready()).toBe(false)
})
