import { describe, expect, test } from "vitest"
import { quantile } from "../../../src/deliver/dispatcher/deliveryWatch.ts"
import { hook, sdk, start } from "../../support/views.ts"

const sum = (column: ReadonlyArray<number | null>): number =>
  column.reduce<number>((all, count) => all + (count ?? 0), 0)

const minute = 60_000

describe("the history of intake", () => {
  test("has what came in by minutes, nothing from before it began, and yesterday by hours", async () => {
    const pipeline = await start()
    const began = pipeline.now()
    await pipeline.log({ eventName: "a" }, { eventName: "b" })
    await pipeline.advance("2 minutes")
    await pipeline.post({ events: [{ eventName: 1 }, { eventName: "a" }] }, { headers: sdk })
    await pipeline.post({ events: [] }, { headers: { "statsig-api-key": "secret-wrong" } })
    const history = await pipeline.intakeHistory("1h")
    expect(history).toMatchObject({ step: minute, since: began, from: began - 57 * minute })
    expect(history.at).toBe(pipeline.now())
    expect(history.stored).toEqual([...Array(57).fill(null), 2, 0, 1])
    expect(history.rejected.slice(57)).toEqual([0, 0, 1])
    expect(history.refused.slice(57)).toEqual([0, 0, 1])
    expect(sum(history.yesterday)).toBe(0)
    await pipeline.log(...Array.from({ length: 400 }, () => ({ eventName: "a" })))
    await pipeline.advance("46 hours")
    const next = await pipeline.intakeHistory("24h")
    expect(next.step).toBe(15 * minute)
    expect(next.stored).toHaveLength(96)
    expect(sum(next.stored)).toBe(0)
    // What came in one hour is dealt to its quarters.
    expect(next.yesterday.filter((count) => count !== 0)).toEqual([101, 101, 101, 101])
    expect(sum((await pipeline.intakeHistory("7d")).stored)).toBe(403)
  })
})

describe("the history of a destination", () => {
  test("has attempts, events, what waited and for how long, and the last failure", async () => {
    const pipeline = await start({ destinations: [{ ...hook, filter: { exclude: ["no"] } }] })
    const began = pipeline.now()
    pipeline.receiver("hook").answer({ status: 200, after: 40 })
    await pipeline.log({ eventName: "a" }, { eventName: "no" })
    await pipeline.advance("1 minute")
    pipeline.receiver("hook").answer({ status: 503, retryAfter: "3600", body: "down" })
    await pipeline.log({ eventName: "b" }, { eventName: "c" })
    await pipeline.advance("3 minutes")
    const history = await pipeline.destinationHistory("hook", "1h")
    expect(history).toMatchObject({ since: began, at: pipeline.now() })
    const shown = Object.fromEntries(
      Object.entries(history).map(([name, column]) => [
        name,
        Array.isArray(column) ? column.slice(54) : column,
      ]),
    )
    expect(shown).toMatchObject({
      ...{ delivered: [null, 1, 0, 0, 0, 0], failed: [null, 0, 1, 0, 0, 0] },
      ...{ events: [null, 2, 0, 0, 0, 0], forwarded: [null, 1, 0, 0, 0, 0] },
      ...{ filtered: [null, 1, 0, 0, 0, 0], dead: [null, 0, 0, 0, 0, 0] },
      ...{ rateLimited: [null, 0, 0, 0, 0, 0], waiting: [null, 0, 2, 2, 2, 2] },
      error: [null, null, "answered 503: down", null, null, null],
    })
    const delays = (shown["delay"] as ReadonlyArray<number>).slice(2)
    expect(delays.map((delay) => Math.round(delay / 1000))).toEqual([60, 120, 180, 180])
    expect(history.half[55]).toBeGreaterThan(16)
    expect(history.half[55]).toBeLessThan(64)
  })

  test("says how long it has waited for its rate limit", async () => {
    const pipeline = await start({
      destinations: [{ ...hook, batch: { maxDelay: 0, maxEvents: 10 }, rateLimit: { events: 10 } }],
    })
    for (let at = 0; at < 100; at++) await pipeline.log({ eventName: "a" })
    await pipeline.advance("30 seconds")
    const { rateLimited } = await pipeline.destinationHistory("hook", "1h")
    expect(sum(rateLimited)).toBeGreaterThan(5_000)
    expect(sum(rateLimited)).toBeLessThan(11_000)
  })

  test("of nobody is not known", async () => {
    const pipeline = await start()
    await expect(pipeline.destinationHistory("nobody", "1h")).rejects.toMatchObject({
      _tag: "UnknownDestination",
    })
  })

  test("of one that has done nothing is empty", async () => {
    const pipeline = await start()
    const { half, error, delivered } = await pipeline.destinationHistory("hook", "7d")
    expect([half.length, error.length, delivered.length]).toEqual([84, 84, 84])
    expect(new Set([...half, ...error])).toEqual(new Set([null]))
  })
})

test.each([
  [[0, 0, 0], 0.5, null],
  [[0, 0, 4], 0.5, 3],
  [[1, 1, 98], 0.95, 4],
  [[10, 0, 0], 1, 1],
])("of durations %j the part %d took %s ms at most", (counts, part, expected) => {
  expect(quantile(counts, part)).toBe(expected)
})

describe("names", () => {
  /** What was paid in the first hours: the day after is compared with the last three. */
  const twoDays = async (first: ReadonlyArray<number>) => {
    const pipeline = await start({ destinations: [] })
    const log = (eventName: string, count: number) =>
      pipeline.log(...Array.from({ length: count }, () => ({ eventName })))
    for (const count of first) {
      if (count > 0) await log("pay", count)
      await pipeline.advance("1 hour")
    }
    await pipeline.advance("23 hours")
    await log("pay", 50)
    await log("page_view", 60)
    await pipeline.advance("1 hour")
    return { pipeline, log }
  }

  test("are listed by the volume of a day, with what has changed against the day before", async () => {
    const { pipeline, log } = await twoDays([3, 20, 10, 10])
    await log("pay", 7)
    await pipeline.advance("1 minute")
    expect(await pipeline.names()).toMatchObject([
      { eventName: "page_view", category: "custom", volume: 60, change: null },
      { eventName: "pay", volume: 57, change: 0.25 },
    ])
    const [named] = await pipeline.names({ contains: "PAY" })
    expect(named!.hours.slice(-2)).toEqual([50, 7])
    expect(await pipeline.names({ limit: 1 })).toHaveLength(1)
  })

  test.each([
    ["begins within the hours that are compared", [0, 20, 10, 10]],
    ["has stopped within them", [3, 20, 20, 0]],
  ])("are compared with no day whose record %s", async (_, first) => {
    const { pipeline } = await twoDays(first)
    expect(await pipeline.names({ contains: "pay" })).toMatchObject([
      { eventName: "pay", volume: 50, change: null },
    ])
  })

  test("count what has come just now", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "pay" })
    expect(await pipeline.names()).toMatchObject([{ eventName: "pay", volume: 1 }])
    await pipeline.log({ eventName: "pay" })
    expect(await pipeline.names()).toMatchObject([{ eventName: "pay", volume: 2 }])
  })
})

describe("refused requests", () => {
  test("are told by kind, the last one first, without a key and without a value", async () => {
    const pipeline = await start()
    const wrong = { "statsig-api-key": "client-topsecret", ...sdk }
    await pipeline.post({ events: [] }, { headers: wrong })
    await pipeline.advance("1 minute")
    await pipeline.post({ events: [] }, { headers: wrong })
    await pipeline.post({ events: [{ eventName: "private" }, { eventName: 17 }] })
    const refusals = await pipeline.refusals()
    expect(refusals).toEqual([
      {
        ...{ last: pipeline.now(), count: 1, route: "log_event", status: 400, sdk: null, keyKind: "secret-" },
        message: expect.stringMatching(/^events\[…\]/),
      },
      {
        ...{ last: pipeline.now(), count: 2, route: "log_event", status: 401 },
        ...{
          message: "missing or invalid statsig-api-key",
          sdk: "javascript-client 3.33.5",
          keyKind: "client-",
        },
      },
    ])
    expect(JSON.stringify(refusals)).not.toMatch(/topsecret|private|"17"/)
  })

  test("of 100 kinds the last ones stay, each with a bound", async () => {
    const pipeline = await start()
    for (let at = 0; at < 130; at++) {
      const headers = { "statsig-api-key": "x", "statsig-sdk-type": `sdk-${at}-${"y".repeat(10_000)}` }
      await pipeline.post({ events: [] }, { headers })
    }
    const refusals = await pipeline.refusals()
    expect(refusals).toHaveLength(100)
    expect(refusals[0]!.sdk).toMatch(/^sdk-129-/)
    expect(JSON.stringify(refusals).length).toBeLessThan(60_000)
  })
})
