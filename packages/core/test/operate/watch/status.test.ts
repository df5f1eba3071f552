import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, test } from "vitest"
import * as Store from "../../../src/ports/Store.ts"
import { StoreHealth } from "../../../src/ports/StoreHealth.ts"
import { hook, open, sdk, start } from "../../support/views.ts"

describe("status", () => {
  test("says what flows, at once and every 2 seconds", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" }, { eventName: "b" })
    const view = await open(pipeline, { topics: ["status"] })
    const first = await view.status()
    expect(first).toMatchObject({
      at: pipeline.now(),
      destinations: [
        {
          ...{ id: "hook", url: "https://hook.test/", origin: "configured", selects: "everything" },
          ...{ due: 2, delivered: 2, pending: 0, lastOutcome: "delivered", lastStatus: 200, nextAt: null },
        },
      ],
      intake: { stored: 2, rejected: 0, refused: 0, wrongKeys: 0, isFirstRun: false },
      store: { problem: null, durability: "memory", events: 2, keepFor: 3 * 24 * 3_600_000 },
      deadLetters: {},
      jobs: [],
    })
    const next = view.status()
    await pipeline.advance("2 seconds")
    expect((await next).at).toBe(first.at + 2_000)
  })

  test("says how full the log is", async () => {
    const pipeline = await start({ destinations: [], maxBytes: 100_000 })
    const view = await open(pipeline, { topics: ["status"] })
    expect((await view.status()).store).toMatchObject({ bytes: 0, cap: 100_000 })
    await pipeline.log({ eventName: "a", value: "x".repeat(1_000) })
    await pipeline.advance("2 seconds")
    const { bytes } = (await view.status()).store
    expect(bytes).toBeGreaterThan(1_000)
    expect(bytes).toBeLessThan(3_000)
  })

  test("shows no secret that stands in a URL", async () => {
    const secret = "hunter2"
    const pipeline = await start({
      destinations: [
        { ...hook, id: "query", url: `https://user:${secret}@a.test/in?token=${secret}` },
        { ...hook, id: "slack", url: `https://hooks.test/services/T0/B0/${secret}`, format: "slack" },
      ],
    })
    const view = await open(pipeline, { topics: ["status"] })
    const { destinations } = await view.status()
    expect(destinations.map(({ url }) => url)).toEqual([
      "https://•••@a.test/in?token=•••",
      "https://hooks.test/services/T0/B0/•••",
    ])
  })

  test("of a destination that fails has what it answers, when it is tried next, and when it is given up", async () => {
    const pipeline = await start()
    pipeline.receiver("hook").answer({ status: 503, retryAfter: "100", body: "down" })
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("30 seconds")
    const view = await open(pipeline, { topics: ["status"] })
    const [failing] = (await view.status()).destinations
    const failedAt = pipeline.now() - 30_000
    expect(failing).toMatchObject({
      ...{ failures: 1, failingSince: failedAt, pending: 1, lag: 30_000 },
      ...{ lastOutcome: "not-now", lastStatus: 503, lastError: "answered 503: down" },
      ...{ nextAt: failedAt + 100_000, waitReason: "Retry-After" },
      givesUpAt: failedAt + 7 * 24 * 3_600_000,
    })
    pipeline.receiver("hook").answer(401)
    await pipeline.advance("100 seconds")
    const [wrong] = (await view.status()).destinations
    expect(wrong).toMatchObject({ lastOutcome: "misconfigured", lastStatus: 401, givesUpAt: null })
    expect(wrong!.nextAt).toBeGreaterThan(pipeline.now() - 100_000)
    await pipeline.disable("hook")
    await pipeline.advance("2 seconds")
    expect((await view.status()).destinations[0]).toMatchObject({ nextAt: null, waitReason: null })
  })

  test("has the rates of the last minute, and about how much of what waits will be sent", async () => {
    const pipeline = await start({
      destinations: [{ ...hook, filter: { include: ["wanted"] }, rateLimit: { events: 50 } }],
    })
    const events = Array.from({ length: 40 }, (_, at) => ({ eventName: at % 4 === 0 ? "wanted" : "other" }))
    const view = await open(pipeline, { topics: ["status"] })
    expect((await view.status()).destinations[0]).toMatchObject({ rate: 0, filterRate: 0, limit: 50 })
    for (let second = 0; second < 60; second++) {
      await pipeline.log(...events)
      await pipeline.advance("1 second")
    }
    const { rate, filterRate } = (await view.status()).destinations[0]!
    expect(Math.round(rate)).toBe(10)
    expect(Math.round(filterRate)).toBe(30)
    pipeline.receiver("hook").answer(503)
    await pipeline.advance("1 minute")
    await pipeline.log(...events, ...events)
    await pipeline.advance("6 seconds")
    expect((await view.status()).destinations[0]).toMatchObject({ pending: 80, willSend: 20 })
  })

  test("rates begin where something begins to happen, not with the rest before", async () => {
    const pipeline = await start()
    await pipeline.advance("3 hours")
    for (let second = 0; second < 4; second++) {
      await pipeline.log(...Array.from({ length: 10 }, () => ({ eventName: "a" })))
      await pipeline.advance("1 second")
    }
    const view = await open(pipeline, { topics: ["status"] })
    expect((await view.status()).destinations[0]!.rate).toBeCloseTo(10)
  })

  test("counts what is refused on arrival, and requests with a wrong key for 15 minutes", async () => {
    const pipeline = await start()
    await pipeline.post({ events: [{ eventName: 1 }, { eventName: "a" }] }, { headers: sdk })
    await pipeline.post({ events: [] }, { headers: { "statsig-api-key": "secret-wrong" } })
    await pipeline.post("nonsense")
    const view = await open(pipeline, { topics: ["status"] })
    expect(await view.status()).toMatchObject({
      intake: { stored: 1, rejected: 1, refused: 2, wrongKeys: 1 },
      deadLetters: { intake: 1 },
    })
    await pipeline.advance("17 minutes")
    expect((await view.status()).intake).toMatchObject({ refused: 2, wrongKeys: 0 })
  })

  test("says since when the store does not answer, and what was known before", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" })
    const view = await open(pipeline, { topics: ["status"] })
    const well = await view.status()
    pipeline.failStore(true)
    await pipeline.advance("2 seconds")
    const first = await view.status()
    const since = pipeline.now()
    expect(first.store).toMatchObject({
      problem: "the store is not reachable: the store is down",
      problemSince: since,
    })
    expect(first.destinations).toEqual(well.destinations)
    await pipeline.advance("2 seconds")
    expect((await view.status()).store.problemSince).toBe(since)
    pipeline.failStore(false)
    await pipeline.advance("2 seconds")
    expect((await view.status()).store).toMatchObject({ problem: null, problemSince: null })
  })

  test("is found out once for all views, and not while nobody looks", async () => {
    let probes = 0
    const counted = Layer.effect(
      StoreHealth,
      Effect.map(StoreHealth, (health) => ({
        ...health,
        probe: Effect.suspend(() => {
          probes += 1
          return health.probe
        }),
      })),
    )
    const store = () => Layer.provideMerge(counted, Store.layerMemory())
    const pipeline = await start({ store })
    await pipeline.advance("10 seconds")
    expect(probes).toBe(0)
    const views = await Promise.all(Array.from({ length: 5 }, () => open(pipeline, { topics: ["status"] })))
    const said = await Promise.all(views.map((view) => view.status()))
    expect(new Set(said).size).toBe(1)
    expect(probes).toBe(1)
    const next = Promise.all(views.map((view) => view.status()))
    await pipeline.advance("2 seconds")
    expect(new Set(await next).size).toBe(1)
    expect(probes).toBe(2)
    for (const view of views) await view.end()
    await pipeline.advance("1 minute")
    expect(probes).toBe(2)
  })
})
