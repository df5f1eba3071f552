import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { expect, test, vi } from "vitest"
import * as Millrace from "../src/Millrace.ts"
import { Cursors } from "../src/ports/Cursors.ts"
import { Destinations } from "../src/ports/Destinations.ts"
import { EventLog } from "../src/ports/EventLog.ts"
import * as Store from "../src/ports/Store.ts"
import { StoreError } from "../src/ports/StoreError.ts"
import { StoreHealth } from "../src/ports/StoreHealth.ts"
import { Transport, TransportError } from "../src/ports/Transport.ts"
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

test("what is done by Effects is logged where the rest is, and fails with what it says", async () => {
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    keys: "none",
    destinations: [{ id: "warehouse", url: "https://warehouse.test/hook" }],
    store: Store.layerMemory(),
    transport: Layer.succeed(Transport, { send: () => Effect.never }),
    codec: layerTest,
    log: ({ level, fields }) => lines.push(`${level} ${JSON.stringify(fields)}`),
  })
  expect(await Effect.runPromise(millrace.operator.disable({ id: "warehouse" }))).toEqual({})
  expect(lines).toEqual(['Warn {"destination":"warehouse"}'])
  const failed = await Effect.runPromise(Effect.flip(millrace.operator.disable({ id: "nobody" })))
  expect(failed).toMatchObject({ _tag: "UnknownDestination", id: "nobody" })
  await millrace.close()
})

test("a store that hangs, or reads and does not write, is not ready", async () => {
  let probe: StoreHealth["Service"]["probe"] = Effect.void
  const health = Layer.succeed(StoreHealth, {
    probe: Effect.suspend(() => probe),
    examine: Effect.succeed([]),
    cap: null,
  })
  const store = Layer.merge(Store.layerMemory(), health)
  const transport = Layer.succeed(Transport, { send: () => Effect.never })
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    ...{ keys: "none", store, transport, codec: layerTest },
    log: ({ level, message, fields }) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  })
  expect(await millrace.ready()).toBe(true)
  probe = Effect.fail(new StoreError({ reason: { _tag: "ReadOnly" }, message: "it is a standby" }))
  expect(await millrace.ready()).toBe(false)
  expect(await millrace.readiness()).toEqual({ problem: "the store is read-only", detail: "it is a standby" })
  probe = Effect.uninterruptible(Effect.never)
  expect(await millrace.ready()).toBe(false)
  probe = Effect.void
  expect(await millrace.ready()).toBe(true)
  await millrace.close()
  expect(await millrace.readiness()).toMatchObject({ problem: "shutting down" })
  // Once for each reason, and once that all is well; asking again says nothing more.
  expect(lines).toEqual([
    'Warn not ready {"problem":"the store is read-only","reason":"it is a standby"}',
    'Warn not ready {"problem":"the store is not reachable","reason":"no answer within 1500 ms"}',
    "Info ready again {}",
  ])
})

test("a store whose damage a probe does not touch is not ready from the append that found it until one succeeds", async () => {
  let failure: StoreError | null = null
  const store = Layer.effect(
    EventLog,
    EventLog.useSync((log) =>
      EventLog.of({
        ...log,
        append: (...args) => (failure === null ? log.append(...args) : Effect.fail(failure)),
      }),
    ),
  ).pipe(Layer.provideMerge(Store.layerMemory()))
  const transport = Layer.succeed(Transport, { send: () => Effect.never })
  const millrace = await Millrace.make({ keys: "none", store, transport, codec: layerTest })
  const log = () => Promise.allSettled([millrace.logEvent({ event: "a" })])
  failure = new StoreError({ reason: { _tag: "Unavailable" }, message: "one call failed" })
  await log()
  expect(await millrace.readiness()).toBeNull()
  failure = new StoreError({ reason: { _tag: "Corrupt" }, message: "page 7 is damaged" })
  await log()
  expect(await millrace.readiness()).toEqual({ problem: "the store is damaged", detail: "page 7 is damaged" })
  failure = null
  await log()
  expect(await millrace.readiness()).toBeNull()
  await millrace.close()
})

test("a process whose destination another one has taken over is not ready, and names it", async () => {
  const store = Effect.runSync(
    Effect.gen(function* () {
      return yield* Layer.buildWithScope(Store.layerMemory(), yield* Scope.make())
    }),
  )
  const reply = { status: 200, retryAfter: null, body: "" }
  const transport = Layer.succeed(Transport, { send: () => Effect.succeed(reply) })
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    keys: "none",
    destinations: [
      { id: "lost", url: "https://lost.test/", batch: { maxDelay: 0 } },
      { id: "off", url: "https://off.test/", enabled: false },
    ],
    store: Layer.succeedContext(store),
    transport,
    codec: layerTest,
    log: ({ message }) => lines.push(message),
  })
  expect(await millrace.readiness()).toBeNull()
  await Effect.runPromise(
    Effect.provideContext(
      Cursors.use((cursors) => cursors.acquire("lost/0")),
      store,
    ),
  )
  await millrace.logEvent({ event: "a" })
  await vi.waitFor(() => expect(lines).toContain("another process has taken the destination over"), {
    timeout: 20_000,
  })
  expect(await millrace.readiness()).toMatchObject({ problem: "nobody delivers to lost" })
  await millrace.disable("lost")
  expect(await millrace.readiness()).toBeNull()
  await millrace.close({ deadline: 0 })
})

test("events count as sent once they have left, every attempt that had a connection, and no other", async () => {
  let attempts = 0
  const failures = [
    new TransportError({ reason: "ConnectionFailed", message: "connection refused", neverLeft: true }),
    new TransportError({ reason: "AddressRefused", message: "refused", neverLeft: true }),
    new TransportError({ reason: "ConnectionFailed", message: "connection reset" }),
  ]
  const transport = Layer.succeed(Transport, {
    send: () =>
      Effect.suspend(() => {
        const failure = failures[attempts]
        attempts += 1
        return failure === undefined
          ? Effect.succeed({ status: 200, retryAfter: null, body: "" })
          : Effect.fail(failure)
      }),
  })
  const retry = { first: 1, max: 1 }
  const millrace = await Millrace.make({
    keys: "none",
    destinations: [{ id: "a", url: "https://a.test/", batch: { maxDelay: 0 }, retry }],
    ...{ store: Store.layerMemory(), transport, codec: layerTest },
  })
  await millrace.logEvent({ event: "x" })
  await vi.waitFor(
    async () => {
      const [row] = await millrace.destinations()
      expect(row).toMatchObject({ delivered: 1, sent: 2 })
    },
    { timeout: 20_000 },
  )
  expect(attempts).toBe(4)
  await millrace.close()
})

test("that events have died is told once a minute, with the reason and without what the receiver wrote", async () => {
  const transport = Layer.succeed(Transport, {
    send: ({ body }) =>
      Effect.succeed(
        new TextDecoder().decode(body).includes("bad")
          ? { status: 422, retryAfter: null, body: "s3cret" }
          : { status: 200, retryAfter: null, body: "" },
      ),
  })
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    keys: "none",
    destinations: [{ id: "picky", url: "https://picky.test/", batch: { maxDelay: 0, maxEvents: 1 } }],
    ...{ store: Store.layerMemory(), transport, codec: layerTest },
    log: ({ message, fields }) => lines.push(`${message} ${JSON.stringify(fields)}`),
  })
  for (const event of ["good", "bad", "good", "bad", "good"]) await millrace.logEvent({ event })
  await vi.waitFor(
    async () => expect((await millrace.destinations())[0]).toMatchObject({ delivered: 3, dead: 2 }),
    { timeout: 20_000 },
  )
  const died = lines.filter((line) => line.includes("dead letters"))
  expect(died).toHaveLength(1)
  expect(died[0]).toMatch(/^events of a destination became dead letters \{.*"destination":"picky".*\}$/)
  expect(died[0]).toContain('"reason":"refused"')
  expect(died[0]).toContain('"status":422')
  expect(died[0]).not.toContain("s3cret")
  await millrace.close()
})

test("that a destination is disabled is told once: by its receiver's 410, and by hand", async () => {
  const transport = Layer.succeed(Transport, {
    send: () => Effect.succeed({ status: 410, retryAfter: null, body: "s3cret" }),
  })
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    keys: "none",
    destinations: ["gone", "left"].map((id) => ({
      ...{ id, url: `https://${id}.test/`, batch: { maxDelay: 0 } },
      ...{ filter: { include: [id] } },
    })),
    ...{ store: Store.layerMemory(), transport, codec: layerTest },
    log: ({ level, message, fields }) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  })
  for (let sent = 0; sent < 3; sent++) await millrace.logEvent({ event: "gone" })
  await vi.waitFor(
    async () => expect((await millrace.destinations())[0]).toMatchObject({ disabled: { reason: "gone" } }),
    { timeout: 20_000 },
  )
  await millrace.disable("left")
  expect(lines.filter((line) => line.includes("disabled"))).toEqual([
    'Warn a destination answered 410 and is disabled {"destination":"gone"}',
    'Warn a destination was disabled by hand {"destination":"left"}',
  ])
  await millrace.close({ deadline: 0 })
})

test("a start that fails for a destination's options changes nothing in the store", async () => {
  const scope = Scope.makeUnsafe()
  const store = await Effect.runPromise(Layer.buildWithScope(Store.layerMemory(), scope))
  const start = (destinations: Millrace.MillraceOptions["destinations"] & object) =>
    Millrace.make({
      keys: { server: [serverKey] },
      destinations,
      store: Layer.succeedContext(store),
      transport: Layer.succeed(Transport, { send: () => Effect.never }),
      codec: layerTest,
    })
  const first = await start([{ id: "first", url: "https://first.test/" }])
  await first.close({ deadline: 0 })
  const records = () => Effect.runPromise(Context.get(store, Destinations).list)
  const before = await records()
  const headers = { authorization: { env: "TOKEN" } }
  await expect(start([{ id: "second", url: "https://second.test/", headers }])).rejects.toMatchObject({
    problems: [{ path: "destinations[0].headers.authorization" }],
  })
  expect(await records()).toEqual(before)
  await Effect.runPromise(Scope.close(scope, Exit.void))
})
