import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import * as Ledger from "../../src/deliver/Ledger.ts"
import * as Millrace from "../../src/Millrace.ts"
import * as Maintenance from "../../src/operate/Maintenance.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import * as Store from "../../src/ports/Store.ts"
import { Transport } from "../../src/ports/Transport.ts"
import type { WebhookEvent } from "../../src/select/Export.ts"
import { layerTest } from "../support/codec.ts"
import { serverKey } from "../support/intake.ts"

const url = "https://warehouse.test/hook"
const warehouse = { id: "warehouse", url, batch: { maxDelay: 0 } }

/** One store for several that use it, one after the other. */
let store: Layer.Layer<Store.Store>
const scope = Scope.makeUnsafe()
beforeEach(async () => {
  const context = await Effect.runPromise(Layer.buildWithScope(Store.layerMemory(), scope))
  store = Layer.succeedContext(context as Context.Context<Store.Store>)
})

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A receiver that takes everything, and lets tests wait for it. */
const receive = () => {
  const events: Array<{ readonly url: string; readonly event: WebhookEvent }> = []
  const waiting: Array<() => void> = []
  const transport = Layer.succeed(Transport, {
    send: (request) =>
      Effect.sync(() => {
        for (const event of JSON.parse(new TextDecoder().decode(request.body)) as ReadonlyArray<WebhookEvent>)
          events.push({ url: request.url, event })
        for (const look of waiting.splice(0)) look()
        return { status: 200, retryAfter: null, body: "" }
      }),
  })
  const until = async (count: number) => {
    while (events.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { events, transport, until, names: () => events.map(({ event }) => event.eventName) }
}

const start = async (
  { transport }: ReturnType<typeof receive>,
  options: Partial<Millrace.MakeOptions> = {},
) => {
  const millrace = await Millrace.make({
    keys: { server: [serverKey] },
    store,
    transport,
    codec: layerTest,
    ...options,
  })
  closing.push(() => millrace.close())
  return millrace
}

const open = async () => {
  const maintenance = await Maintenance.open(store)
  closing.push(maintenance.close)
  return maintenance
}

describe("a destination that is added", () => {
  test("gets what comes from then on, also after a restart, until it is removed", async () => {
    const receiver = receive()
    const first = await start(receiver)
    await first.logEvent({ event: "before" })
    await first.addDestination(warehouse)
    await first.logEvent({ event: "a" })
    await receiver.until(1)
    await first.close()

    const second = await start(receiver)
    await second.logEvent({ event: "b" })
    await receiver.until(2)
    expect(receiver.names()).toEqual(["a", "b"])
    const rows = await second.destinations()
    expect(rows).toMatchObject([{ id: "warehouse", disabled: null }])
    expect(rows[0]).toSatisfy(Ledger.addsUp)

    await second.removeDestination("warehouse")
    expect(await second.destinations()).toEqual([])
    await expect(second.removeDestination("warehouse")).rejects.toMatchObject({ _tag: "UnknownDestination" })
    await second.logEvent({ event: "c" })
    // Anew, not where it was.
    await second.addDestination({ ...warehouse, from: "earliest" })
    await receiver.until(6)
    expect(receiver.names().slice(2)).toEqual(["before", "a", "b", "c"])
  })

  test("is refused with all that is wrong, and when its id is taken", async () => {
    const millrace = await start(receive(), { destinations: [warehouse] })
    const wrong = { id: "x y", url: "ftp://a", transform: (event: WebhookEvent) => event }
    const error = await millrace.addDestination(wrong).catch((error: unknown) => error)
    expect(error).toMatchObject({ _tag: "InvalidOptions" })
    expect((error as { problems: ReadonlyArray<{ path: string }> }).problems.map(({ path }) => path)).toEqual(
      ["id", "url", "transform"],
    )
    await expect(millrace.addDestination(warehouse)).rejects.toThrow("id: there is a destination of this id")
    await expect(millrace.removeDestination("warehouse")).rejects.toMatchObject({
      _tag: "DestinationConfigured",
    })
  })

  test("gives way to one of the configuration, and comes back when that is gone", async () => {
    const receiver = receive()
    const first = await start(receiver)
    await first.addDestination(warehouse)
    await first.close()
    const other = "https://other.test/hook"
    const second = await start(receiver, { destinations: [{ ...warehouse, url: other }] })
    await second.logEvent({ event: "a" })
    await receiver.until(1)
    await second.close()
    const third = await start(receiver)
    await third.logEvent({ event: "b" })
    await receiver.until(2)
    expect(receiver.events.map((received) => received.url)).toEqual([other, url])
  })

  test("whose record is damaged is told, and the others run", async () => {
    const receiver = receive()
    const first = await start(receiver)
    await first.addDestination(warehouse)
    await first.addDestination({ ...warehouse, id: "other" })
    await first.close()
    const damaged = { id: "other", config: "{", disabled: null, createdAt: 0 }
    const damage = Destinations.use((records) => records.put(damaged))
    await Effect.runPromise(Effect.provide(damage, store))
    const lines: Array<string> = []
    const second = await start(receiver, {
      log: ({ level, message, fields }) => lines.push(`${level} ${message} ${fields["destination"]}`),
    })
    expect(lines).toEqual(["Error a destination that was added cannot be run: config: is damaged other"])
    await second.logEvent({ event: "a" })
    await receiver.until(1)
  })
})

describe("without anybody who delivers", () => {
  test("what is changed takes effect when somebody does", async () => {
    const receiver = receive()
    const first = await start(receiver, { destinations: [warehouse] })
    const firstId = await first.logEvent({ event: "a" })
    await receiver.until(1)
    await first.close()

    const maintenance = await open()
    await maintenance.disable("warehouse")
    expect(await maintenance.destinations()).toMatchObject([
      { id: "warehouse", delivered: 1, disabled: { reason: "by-hand" } },
    ])
    expect(await maintenance.rewind("warehouse", 0)).toBe(1)
    expect(await maintenance.skip("warehouse")).toBe(1)
    await maintenance.enable("warehouse")
    expect(
      await maintenance.replay({ destination: "warehouse", since: 0, until: Date.now() + 60_000 }),
    ).toMatch(/^replay-/)
    await maintenance.addDestination({
      ...warehouse,
      id: "other",
      url: "https://other.test",
      from: "earliest",
    })
    expect(receiver.names()).toEqual(["a"])
    for (const row of await maintenance.destinations()) expect(row).toSatisfy(Ledger.addsUp)
    await maintenance.close()

    await start(receiver, { destinations: [warehouse] })
    await receiver.until(3)
    expect(
      receiver.events
        .slice(1)
        .map((received) => received.url)
        .sort(),
    ).toEqual(["https://other.test", url])
    expect(new Set(receiver.events.map(({ event }) => event.timeUUID))).toEqual(new Set([firstId]))
  })

  test("nothing is sent, and nobody is taken for unconfigured", async () => {
    const receiver = receive()
    const first = await start(receiver, { destinations: [warehouse] })
    await first.close()
    const maintenance = await open()
    expect(await maintenance.destinations()).toMatchObject([{ id: "warehouse", disabled: null }])
    const destination = "warehouse"
    await expect(maintenance.replayDeadLetters({ destination })).rejects.toMatchObject({
      _tag: "NotDelivering",
    })
    await expect(maintenance.tail({ destination })).rejects.toMatchObject({ _tag: "NotDelivering" })
    await expect(maintenance.removeDestination(destination)).rejects.toMatchObject({
      _tag: "DestinationConfigured",
    })
    await expect(maintenance.addDestination(warehouse)).rejects.toMatchObject({ _tag: "InvalidOptions" })
    for (const unknown of [
      maintenance.disable("x"),
      maintenance.enable("x"),
      maintenance.rewind("x", 0),
      maintenance.skip("x"),
      maintenance.removeDestination("x"),
      maintenance.replay({ destination: "x", since: 0, until: 1 }),
    ]) {
      await expect(unknown).rejects.toMatchObject({ _tag: "UnknownDestination" })
    }
  })

  test("what is no longer configured can be removed, and its id used again", async () => {
    const receiver = receive()
    await (await start(receiver, { destinations: [warehouse] })).close()
    await (await start(receiver)).close()
    const maintenance = await open()
    expect(await maintenance.destinations()).toMatchObject([{ disabled: { reason: "unconfigured" } }])
    await maintenance.addDestination(warehouse)
    expect(await maintenance.destinations()).toMatchObject([{ disabled: null }])
    await maintenance.removeDestination("warehouse")
    expect(await maintenance.destinations()).toEqual([])
  })
})
