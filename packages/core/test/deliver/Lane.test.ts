/** Over 400 lines because a lane is one program: its cases share one world. */
import { type TestPipeline, testPipeline } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as fc from "fast-check"
import { afterEach, expect, test } from "vitest"

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }
const other = { id: "other", url: "https://other.test/hook" }

let pipeline: TestPipeline
afterEach(() => pipeline.close())

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({ eventName: "n", value: from + at }))

const values = (events: ReadonlyArray<{ readonly value: string }>) => events.map(({ value }) => Number(value))

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

/** The ledger of the design: two independent sources that have to agree. */
const expectLedger = async () => {
  for (const row of await pipeline.destinations()) {
    expect(row.due).toBe(row.delivered + row.filtered + row.dead + row.trimmed + row.pending)
    expect(row.sent).toBeGreaterThanOrEqual(row.delivered)
  }
}

test("an event arrives once its batch's time is up", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await pipeline.log({ eventName: "page_view", value: 3, metadata: { page: "home" } })
  await pipeline.advance("999 millis")
  expect(pipeline.receiver("warehouse").requests).toHaveLength(0)
  await pipeline.advance("1 millis")
  expect(pipeline.receiver("warehouse").events).toMatchObject([
    { eventName: "page_view", value: "3", userID: "a-user", metadata: { page: "home" } },
  ])
})

test("a batch goes as soon as it is full, by count", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 3 } }] })
  await pipeline.log(...numbered(0, 7))
  await pipeline.advance(0)
  expect(pipeline.receiver("warehouse").requests.map(({ events }) => values(events))).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ])
  await pipeline.advance("1 second")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 7))
})

test("a batch never passes its bytes, save for one event that is larger alone", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxBytes: 1000 } }] })
  await pipeline.log(...numbered(0, 5), { eventName: "large", value: "x".repeat(2000) }, ...numbered(5, 8))
  await pipeline.advance("1 second")
  const sizes = pipeline
    .receiver("warehouse")
    .requests.map(({ events }) => ({ events, bytes: JSON.stringify(events).length }))
  expect(sizes.flatMap(({ events }) => events)).toHaveLength(9)
  for (const { events, bytes } of sizes) if (events.length > 1) expect(bytes).toBeLessThanOrEqual(1000)
  expect(sizes.find(({ bytes }) => bytes > 1000)?.events).toHaveLength(1)
})

test("after an outage of three days every event arrives once, in order", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(503)
  for (const hour of range(0, 72)) {
    await pipeline.log(...numbered(hour * 10, hour * 10 + 10))
    await pipeline.advance("1 hour")
  }
  expect(pipeline.receiver("warehouse").events).toHaveLength(0)
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 720))
  await expectLedger()
})

test("the same batch keeps its webhook-id and its body on every attempt, another one never has it", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  const { answer, requests } = pipeline.receiver("warehouse")
  answer((_, request) => (request < 4 ? "connection failed" : 200))
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("1 minute")
  await pipeline.log(...numbered(3, 6))
  await pipeline.advance("1 minute")
  expect(requests).toHaveLength(6)
  expect(new Set(requests.slice(0, 5).map(({ headers }) => headers["webhook-id"]))).toHaveLength(1)
  expect(new Set(requests.slice(0, 5).map(({ events }) => JSON.stringify(events)))).toHaveLength(1)
  expect(requests[5]!.headers["webhook-id"]).not.toBe(requests[0]!.headers["webhook-id"])
})

test("a dead destination delays nobody, and its backlog survives a restart", async () => {
  pipeline = await testPipeline({ destinations: [warehouse, other] })
  pipeline.receiver("warehouse").answer("connection failed")
  for (const at of range(0, 20)) {
    await pipeline.log(...numbered(at * 5, at * 5 + 5))
    await pipeline.advance("1 second")
    expect(pipeline.receiver("other").events).toHaveLength(at * 5 + 5)
  }
  await pipeline.crash()
  await pipeline.restart()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 minute")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 100))
  expect(values(pipeline.receiver("other").events)).toEqual(range(0, 100))
  await expectLedger()
})

test("Retry-After wins over the back-off, in seconds and as a date, and is kept with the attempt", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  const { answer, requests } = pipeline.receiver("warehouse")
  const date = new Date(pipeline.now() + 91_000).toUTCString()
  answer((_, request) =>
    request === 0
      ? { status: 429, retryAfter: "30" }
      : request === 1
        ? { status: 503, retryAfter: date }
        : 200,
  )
  await pipeline.log({ eventName: "e" })
  await pipeline.advance("10 minutes")
  expect(requests.map(({ at }) => at - requests[0]!.at)).toEqual([0, 30_000, 90_000])
  expect(await pipeline.attempts()).toMatchObject([
    { outcome: "delivered", status: 200, wait: null },
    { outcome: "not-now", status: 503, wait: 60_000, waitReason: "Retry-After" },
    { outcome: "not-now", status: 429, wait: 30_000, waitReason: "Retry-After" },
  ])
})

test.each([
  ["0", "0"],
  ["a date that is past", "Thu, 01 Jan 1970 00:00:00 GMT"],
])("Retry-After %s is no reason to send without a pause: the back-off counts", async (_, retryAfter) => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await pipeline.log({ eventName: "e" })
  // Bounded, since without a pause virtual time would never go on.
  pipeline.receiver("warehouse").answer((_, request) => (request > 1000 ? 200 : { status: 503, retryAfter }))
  await pipeline.advance("1 minute")
  const { requests } = pipeline.receiver("warehouse")
  expect(requests.length).toBeLessThan(20)
  expect(await pipeline.attempts({ limit: 1 })).toMatchObject([{ waitReason: "back-off" }])
})

test("an outage of six days gives nothing up", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(503)
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("6 days")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 5))
})

test.each([
  ["a wrong set-up", 401],
  ["a redirect", 302],
  ["a path that is not there", 404],
] as const)("%s gives nothing up for weeks", async (_, status) => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(status)
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("20 days")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 5))
})

/** Refuses every request that holds one of the values. */
const refusing =
  (bad: ReadonlySet<number>, status = 400) =>
  (events: ReadonlyArray<{ readonly value: string }>) =>
    values(events).some((value) => bad.has(value)) ? { status, body: "no such column" } : 200

test("a bad event among good ones: the batch is split, the good ones arrive, the bad one is a dead letter", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(refusing(new Set([313]), 422))
  await pipeline.log(...numbered(0, 500))
  await pipeline.advance("1 second")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 500).filter((n) => n !== 313))
  expect(await pipeline.deadLetters()).toMatchObject([
    {
      destination: "warehouse",
      reason: "refused",
      status: 422,
      message: "answered 422: no such column",
      eventName: "n",
    },
  ])
  expect(pipeline.receiver("warehouse").requests.length).toBeLessThanOrEqual(32)
  await expectLedger()
})

test("many bad events take several rounds of at most 32 requests", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  const bad = new Set(range(0, 500).filter((n) => n % 17 === 3))
  pipeline.receiver("warehouse").answer(refusing(bad))
  await pipeline.log(...numbered(0, 500))
  await pipeline.advance("1 second")
  const afterOneSecond = pipeline.receiver("warehouse").requests.length
  expect(afterOneSecond).toBeGreaterThan(20)
  await pipeline.advance("10 minutes")
  expect(new Set(values(pipeline.receiver("warehouse").events))).toEqual(
    new Set(range(0, 500).filter((n) => !bad.has(n))),
  )
  expect(pipeline.receiver("warehouse").events).toHaveLength(500 - bad.size)
  expect(await pipeline.deadLetters()).toHaveLength(bad.size)
  await expectLedger()
})

test("a blanket 400 that heals loses nothing", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(400)
  await pipeline.log(...numbered(0, 500))
  await pipeline.advance("2 days")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(new Set(values(pipeline.receiver("warehouse").events))).toEqual(new Set(range(0, 500)))
  expect(pipeline.receiver("warehouse").events).toHaveLength(500)
  expect(await pipeline.deadLetters()).toEqual([])
  await expectLedger()
})

test("a lone event refused by a receiver that heals arrives, also when nothing comes after it", async () => {
  for (const status of [400, 500]) {
    pipeline = await testPipeline({ destinations: [warehouse] })
    pipeline.receiver("warehouse").answer(status)
    await pipeline.log(...numbered(0, 1))
    await pipeline.advance("1 day")
    pipeline.receiver("warehouse").answer(200)
    await pipeline.advance("2 hours")
    expect(values(pipeline.receiver("warehouse").events)).toEqual([0])
    await expectLedger()
    await pipeline.close()
  }
})

test("while nothing passes, one event a round is tried", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(400)
  await pipeline.log(...numbered(0, 500))
  await pipeline.advance("1 day")
  const { requests } = pipeline.receiver("warehouse")
  const before = requests.length
  await pipeline.advance("1 day")
  const probes = requests.slice(before)
  expect(probes.length).toBeGreaterThan(10)
  expect(probes.every(({ events }) => events.length === 1)).toBe(true)
  for (const [at, probe] of probes.entries()) if (at > 0) expect(probe.at).toBeGreaterThan(probes[at - 1]!.at)
})

test("a batch of one bad event does not hold up what comes after it", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(refusing(new Set([0])))
  await pipeline.log(...numbered(0, 1))
  await pipeline.advance("1 minute")
  expect(await pipeline.deadLetters()).toEqual([])
  await pipeline.log(...numbered(1, 5))
  await pipeline.advance("1 minute")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(1, 5))
  expect(await pipeline.deadLetters()).toHaveLength(1)
  await expectLedger()
})

test("413: the batch is halved; an event too large alone is a dead letter", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline
    .receiver("warehouse")
    .answer((events) =>
      events.length > 100 || values(events).some((value) => value === 77 && events.length >= 1) ? 413 : 200,
    )
  await pipeline.log(...numbered(0, 400))
  await pipeline.advance("1 minute")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 400).filter((n) => n !== 77))
  expect(await pipeline.deadLetters()).toMatchObject([{ reason: "too-large", status: 413 }])
  await expectLedger()
})

test("a crash in the middle of a split repeats no settled part", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  const { answer, requests } = pipeline.receiver("warehouse")
  // The first half passes, the second fails until after the crash.
  answer((events) => (events.length > 4 ? 400 : values(events)[0]! >= 4 ? 503 : 200))
  await pipeline.log(...numbered(0, 8))
  await pipeline.advance("10 seconds")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 4))
  const tried = new Set(requests.map(({ headers }) => headers["webhook-id"]))
  await pipeline.crash()
  await pipeline.restart()
  answer(200)
  await pipeline.advance("10 minutes")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 8))
  expect(tried).toContain(requests.at(-1)!.headers["webhook-id"])
  await expectLedger()
})

test("suspects survive a restart and are tried once more when another event has passed", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(400)
  await pipeline.log(...numbered(0, 2))
  await pipeline.advance("1 minute")
  await pipeline.crash()
  await pipeline.restart()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.log(...numbered(2, 4))
  await pipeline.advance("2 hours")
  expect(values(pipeline.receiver("warehouse").events).sort()).toEqual(range(0, 4))
  await expectLedger()
})

test("filters: a destination gets only what it wants, and the rest counts as filtered", async () => {
  pipeline = await testPipeline({
    destinations: [
      { ...warehouse, filter: { include: ["checkout_*"], categories: { exposures: false } } },
      { ...other, predicate: (event) => event.user["userID"] === "u2" },
    ],
  })
  await pipeline.log(
    { eventName: "checkout_done" },
    { eventName: "page_view", user: { userID: "u2" } },
    { eventName: "statsig::gate_exposure", metadata: { gate: "g", gateValue: "true", ruleID: "r" } },
    { eventName: "statsig::diagnostics", user: { userID: "u2" } },
  )
  await pipeline.advance("3 seconds")
  expect(pipeline.receiver("warehouse").events.map(({ eventName }) => eventName)).toEqual(["checkout_done"])
  expect(pipeline.receiver("other").events.map(({ eventName }) => eventName)).toEqual(["page_view"])
  expect(await pipeline.destinations()).toMatchObject([
    { id: "other", delivered: 1, filtered: 3, pending: 0 },
    { id: "warehouse", delivered: 1, filtered: 3, pending: 0 },
  ])
})

test("a lane that falls out of the ring reads on its own and misses nothing", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, batch: { maxEvents: 10 } }, other],
    ringBytes: 4096,
  })
  pipeline.receiver("warehouse").answer({ status: 200, after: "10 seconds" })
  for (const at of range(0, 50)) await pipeline.log(...numbered(at * 10, at * 10 + 10))
  await pipeline.advance("1 minute")
  expect(values(pipeline.receiver("other").events)).toEqual(range(0, 500))
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 500))
  await expectLedger()
})

test("a destination wrongly set up for longer than giveUpAfter loses events only when the log needs the room; they count as trimmed", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, retry: { giveUpAfter: "1 day" } }],
    keepFor: "1 hour",
    maxBytes: 6_000,
  })
  pipeline.receiver("warehouse").answer(404)
  await pipeline.log(...numbered(0, 10))
  await pipeline.advance("3 days")
  for (const at of range(1, 10)) await pipeline.log(...numbered(at * 10, at * 10 + 10))
  await pipeline.advance("2 hours")
  await pipeline.crash()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.restart()
  await pipeline.advance("2 hours")
  const [row] = await pipeline.destinations()
  expect(row!.trimmed).toBeGreaterThan(0)
  expect(row!.trimmed + row!.delivered).toBe(100)
  const arrived = values(pipeline.receiver("warehouse").events)
  expect(arrived).toEqual(range(100 - arrived.length, 100))
  await expectLedger()
})

test("after giveUpAfter, events received as long ago are given up after a failed attempt, and only those", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(503)
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("5 days")
  await pipeline.log(...numbered(5, 10))
  await pipeline.advance("3 days")
  const letters = await pipeline.deadLetters()
  expect(letters.map(({ event }) => JSON.parse(event).value as number).sort()).toEqual(range(0, 5))
  expect(letters[0]).toMatchObject({ reason: "expired", status: 503 })
  const { requests } = pipeline.receiver("warehouse")
  for (const value of range(0, 5)) {
    expect(requests.some(({ events }) => values(events).includes(value))).toBe(true)
  }
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(5, 10))
  await expectLedger()
})

test("410: the destination is disabled, its cursor kept; enabled again it goes on where it stood", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(410)
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("1 day")
  expect(pipeline.receiver("warehouse").requests).toHaveLength(1)
  expect(await pipeline.destinations()).toMatchObject([{ disabled: { reason: "gone" }, pending: 3 }])
  await pipeline.restart()
  await pipeline.advance("1 day")
  expect(pipeline.receiver("warehouse").requests).toHaveLength(1)
  pipeline.receiver("warehouse").answer(200)
  await pipeline.enable("warehouse")
  await pipeline.advance("5 seconds")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 3))
  expect(await pipeline.destinations()).toMatchObject([{ disabled: null, pending: 0 }])
})

test("disabled by hand, over a restart, until it is enabled; time while disabled does not count for giving up", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await pipeline.disable("warehouse")
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("6 days")
  await pipeline.close()
  await pipeline.restart()
  await pipeline.advance("12 hours")
  expect(pipeline.receiver("warehouse").requests).toHaveLength(0)
  pipeline.receiver("warehouse").answer(503)
  await pipeline.enable("warehouse")
  await pipeline.advance("6 days")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 3))
})

test("an event on which the receiver breaks dies after 5 failures with neighbours passing, all others arrive", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(refusing(new Set([7]), 500))
  await pipeline.log(...numbered(0, 20))
  for (const at of range(20, 120)) {
    await pipeline.advance("1 minute")
    await pipeline.log(...numbered(at, at + 1))
  }
  await pipeline.advance("1 minute")
  expect(new Set(values(pipeline.receiver("warehouse").events))).toEqual(
    new Set(range(0, 120).filter((n) => n !== 7)),
  )
  expect(await pipeline.deadLetters()).toMatchObject([{ reason: "poison", status: 500 }])
  const alone = pipeline
    .receiver("warehouse")
    .requests.filter(({ events }) => events.length === 1 && values(events)[0] === 7)
  expect(alone.length).toBeGreaterThanOrEqual(5)
  await expectLedger()
})

test("an outage of 500s kills nothing and ends with the batch as it was", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(500)
  await pipeline.log(...numbered(0, 100))
  await pipeline.advance("2 days")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 100))
  expect(pipeline.receiver("warehouse").requests.at(-1)!.events).toHaveLength(100)
  await expectLedger()
})

test("a flapping receiver kills no good event", async () => {
  for (const answers of [
    [200, 500],
    [500, 500, 200],
    [503, 500, 500, 500, 500, 200],
    [500, 500, 500, 500, 500, 200, 500],
  ]) {
    pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 10 } }] })
    pipeline.receiver("warehouse").answer((_, request) => answers[request % answers.length]!)
    for (const at of range(0, 30)) {
      await pipeline.log(...numbered(at * 10, at * 10 + 10))
      await pipeline.advance("10 seconds")
    }
    await pipeline.advance("1 day")
    pipeline.receiver("warehouse").answer(200)
    await pipeline.log(...numbered(300, 301))
    await pipeline.advance("1 day")
    expect(await pipeline.deadLetters()).toEqual([])
    expect(new Set(values(pipeline.receiver("warehouse").events))).toEqual(new Set(range(0, 301)))
    await expectLedger()
    await pipeline.close()
  }
})

test("a bug in somebody's transport stops a destination for half a minute, not for good", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(() => {
    throw new Error("a bug")
  })
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("10 seconds")
  pipeline.receiver("warehouse").answer(200)
  await pipeline.log(...numbered(3, 5))
  await pipeline.advance("1 minute")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 5))
  await expectLedger()
})

const byUsers = (from: number, to: number, users: number) =>
  numbered(from, to).map((event) => ({ ...event, user: { userID: `u${event.value % users}` } }))

test("concurrency: so many requests at once, and the order of each user's events is kept", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, concurrency: 4, batch: { maxEvents: 10 } }],
  })
  const { answer, requests } = pipeline.receiver("warehouse")
  answer((_, request) => ({ status: 200, after: request % 3 === 0 ? "3 seconds" : "1 second" }))
  await pipeline.log(...byUsers(0, 200, 20))
  await pipeline.advance(0)
  expect(requests).toHaveLength(4)
  expect(new Set(requests.map(({ at }) => at))).toHaveLength(1)
  await pipeline.advance("2 minutes")
  const { events } = pipeline.receiver("warehouse")
  expect(values(events).sort((a, b) => a - b)).toEqual(range(0, 200))
  for (const user of range(0, 20)) {
    const mine = values(events.filter(({ userID }) => userID === `u${user}`))
    expect(mine).toEqual(range(0, 10).map((n) => n * 20 + user))
  }
  for (const { events } of requests) expect(events.length).toBeLessThanOrEqual(10)
  await expectLedger()
})

test("concurrency: failures, splits and crashes lose nothing, and the same parts keep their ids", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, concurrency: 3, batch: { maxEvents: 8 } }] })
  const { answer, requests } = pipeline.receiver("warehouse")
  answer((events, request) =>
    values(events).includes(17) ? 422 : request % 5 === 2 ? 503 : request % 7 === 3 ? 429 : 200,
  )
  await pipeline.log(...byUsers(0, 100, 9))
  for (let lives = 0; lives < 6; lives++) {
    await pipeline.advance("2 seconds")
    await expectLedger()
    await pipeline.crash()
    await pipeline.restart()
  }
  await pipeline.advance("1 day")
  await pipeline.log(...byUsers(100, 130, 9))
  await pipeline.advance("1 day")
  expect(new Set(values(pipeline.receiver("warehouse").events))).toEqual(
    new Set(range(0, 130).filter((n) => n !== 17)),
  )
  expect(await pipeline.deadLetters()).toMatchObject([{ reason: "refused" }])
  const bodies = new Map<string, string>()
  for (const { headers, events } of requests) {
    const id = headers["webhook-id"]!
    expect(bodies.get(id) ?? JSON.stringify(events)).toBe(JSON.stringify(events))
    bodies.set(id, JSON.stringify(events))
  }
  await expectLedger()
})

test("regression: an event that died of 413 while its batch was split for 500s is not put back with the others", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 8 } }] })
  pipeline.receiver("warehouse").answer((_, request) => [413, 500, 500][request % 3]!)
  await pipeline.log(...numbered(0, 1))
  await pipeline.log(...numbered(1, 3))
  for (let step = 0; step < 100; step++) {
    await pipeline.advance("1 second")
    await expectLedger()
  }
})

test("the circuit opens after 10 failures; then one probe at a time, for replays too, until one passes", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 1 } }] })
  const { answer, requests } = pipeline.receiver("warehouse")
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("1 minute")
  const circuit = async () => (await pipeline.destinations())[0]!.circuit
  answer({ status: 503, after: "2 seconds" })
  await pipeline.log(...numbered(5, 10))
  const before = requests.length
  while (requests.length < before + 9) await pipeline.advance("1 second")
  expect(await circuit()).toBe("closed")
  while ((await circuit()) === "closed") await pipeline.advance("1 second")
  expect(await circuit()).toBe("open")
  await pipeline.replay({ destination: "warehouse", since: 0, until: pipeline.now() })
  const opened = requests.length
  let halfOpen = 0
  for (let second = 0; second < 7200; second++) {
    await pipeline.advance("1 second")
    if ((await circuit()) === "half-open") halfOpen += 1
  }
  expect(halfOpen).toBeGreaterThan(0)
  const probes = requests.slice(opened)
  for (const [at, probe] of probes.entries()) {
    if (at > 0) expect(probe.at - probes[at - 1]!.at).toBeGreaterThanOrEqual(2_000)
  }
  answer(200)
  await pipeline.advance("2 hours")
  expect(await circuit()).toBe("closed")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(expect.arrayContaining(range(0, 10)))
  expect(pipeline.receiver("warehouse").events).toHaveLength(10 + 10)
  await expectLedger()
})

test("the schedule of three days' outage is the back-off's, with a few small parts from the fifth failure on, and it drains in order, once", async () => {
  pipeline = await testPipeline({ destinations: [warehouse], seed: "a seed" })
  const { answer, requests } = pipeline.receiver("warehouse")
  answer(503)
  await pipeline.log(...numbered(0, 100))
  await pipeline.advance("3 days")
  const randoms = await Effect.runPromise(
    Effect.replicateEffect(Random.next, requests.length).pipe(Random.withSeed("a seed")),
  )
  let at = requests[0]!.at
  let rounds = 0
  let sinceDoubt = 0
  let parts = 0
  for (const { at: sentAt, events } of requests) {
    expect(sentAt).toBe(at)
    const isWhole = events.length === 100
    sinceDoubt += isWhole && rounds >= 4 ? 1 : 0
    if (isWhole && sinceDoubt > 0 && (sinceDoubt <= 10 || (sinceDoubt - 10) % 4 === 0)) {
      parts += 1
      at += Math.min(1000 * 2 ** parts, 60_000)
      continue
    }
    if (!isWhole) expect(events.length).toBeLessThanOrEqual(13)
    at += Math.floor(Math.min(1000 * 2 ** rounds, 3_600_000) * randoms[rounds]!)
    rounds += 1
  }
  expect(rounds).toBeGreaterThan(72)
  expect(requests).toHaveLength(rounds + parts)
  answer(200)
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 100))
  expect(requests.at(-1)!.at).toBe(at)
})

test("many destinations share the memory for batches: each gets less than its own limit", async () => {
  const count = 1000
  pipeline = await testPipeline({
    destinations: Array.from({ length: count }, (_, n) => ({
      id: `d${n}`,
      url: `https://d.test/${n}`,
      filter: { include: [n === 0 ? "large" : "none"] },
    })),
  })
  await pipeline.log(...Array.from({ length: 20 }, () => ({ eventName: "large", value: "x".repeat(50_000) })))
  await pipeline.advance("10 seconds")
  const { requests, events } = pipeline.receiver("d0")
  expect(events).toHaveLength(20)
  const sizes = requests.map(({ events }) => JSON.stringify(events).length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual((256 * 1024 * 1024) / count)
  expect(Math.max(...sizes)).toBeGreaterThan(200_000)
})

test("rate limits: no more than so many events and requests a second", async () => {
  const limited = { ...warehouse, batch: { maxEvents: 10 }, rateLimit: { events: 100 } }
  pipeline = await testPipeline({
    destinations: [limited, { ...other, batch: { maxEvents: 1 }, rateLimit: { requests: 2 } }],
  })
  await pipeline.log(...numbered(0, 1000))
  await pipeline.advance("5 seconds")
  expect(pipeline.receiver("warehouse").events.length).toBeGreaterThan(490)
  expect(pipeline.receiver("warehouse").events.length).toBeLessThanOrEqual(510)
  expect(pipeline.receiver("other").requests).toHaveLength(11)
})

test("requests are signed with what is configured", async () => {
  const secret = `whsec_${btoa("0123456789abcdefghijklmn")}`
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, signing: { standardWebhooks: [secret], statsig: "webhook-s" } }],
  })
  await pipeline.log({ eventName: "e" })
  await pipeline.advance("1 second")
  const { headers } = pipeline.receiver("warehouse").requests[0]!
  expect(headers["webhook-signature"]).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/)
  expect(headers["x-statsig-signature"]).toMatch(/^v0=[0-9a-f]{64}$/)
  expect(headers["webhook-timestamp"]).toBe(String(Math.floor(pipeline.now() / 1000)))
})

test("replay: a time range goes out once more, beside live traffic, with the same timeUUIDs and ids of its own", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  const times: Array<number> = []
  for (const at of range(0, 10)) {
    times.push(pipeline.now())
    await pipeline.log(...numbered(at, at + 1))
    await pipeline.advance("1 minute")
  }
  const { requests } = pipeline.receiver("warehouse")
  const before = [...requests]
  await pipeline.replay({ destination: "warehouse", since: times[2]!, until: times[6]! })
  await pipeline.log(...numbered(10, 11))
  await pipeline.advance("1 minute")
  const after = requests.slice(before.length)
  expect(values(after.flatMap(({ events }) => events)).sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 10])
  const uuids = new Map(before.flatMap(({ events }) => events.map((event) => [event.value, event.timeUUID])))
  for (const event of after.flatMap(({ events }) => events)) {
    if (event.value !== "10") expect(event.timeUUID).toBe(uuids.get(event.value))
  }
  const ids = requests.map(({ headers }) => headers["webhook-id"])
  expect(new Set(ids)).toHaveLength(ids.length)
  await expectLedger()
})

test("a replay goes on after a crash, and ends", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 10 } }] })
  await pipeline.log(...numbered(0, 100))
  await pipeline.advance("1 minute")
  pipeline.receiver("warehouse").answer(503)
  await pipeline.replay({ destination: "warehouse", since: 0, until: pipeline.now() })
  await pipeline.advance("1 minute")
  await pipeline.crash()
  await pipeline.restart()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 hour")
  expect(values(pipeline.receiver("warehouse").events)).toEqual([...range(0, 100), ...range(0, 100)])
  await pipeline.crash()
  await pipeline.restart()
  await pipeline.advance("1 hour")
  expect(pipeline.receiver("warehouse").events).toHaveLength(200)
})

test("a destination that is no longer configured is disabled and goes on where it stood when it comes back", async () => {
  pipeline = await testPipeline({ destinations: [warehouse, other] })
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("5 seconds")
  await pipeline.close()
  await pipeline.restart({ destinations: [other] })
  await pipeline.log(...numbered(3, 6))
  await pipeline.advance("5 seconds")
  expect(pipeline.receiver("warehouse").events).toHaveLength(3)
  expect(await pipeline.destinations()).toMatchObject([
    { id: "other", disabled: null },
    { id: "warehouse", disabled: { reason: "unconfigured" }, pending: 3 },
  ])
  await pipeline.close()
  await pipeline.restart({ destinations: [warehouse, other] })
  await pipeline.advance("5 seconds")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(0, 6))
})

test("a new destination begins with what comes from now on, or with the oldest entry kept", async () => {
  pipeline = await testPipeline({ destinations: [] })
  await pipeline.log(...numbered(0, 3))
  await pipeline.close()
  await pipeline.restart({
    destinations: [
      { ...warehouse, from: "now" },
      { ...other, from: "earliest" },
    ],
  })
  await pipeline.log(...numbered(3, 6))
  await pipeline.advance("5 seconds")
  expect(values(pipeline.receiver("warehouse").events)).toEqual(range(3, 6))
  expect(values(pipeline.receiver("other").events)).toEqual(range(0, 6))
  await expectLedger()
})

test("whatever a receiver answers and whenever the process dies: nothing is lost, and the ledger adds up", async () => {
  const answers = fc.constantFrom(200, 200, 200, 400, 413, 500, 503, 404, "timeout" as const)
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ log: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 3, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 100_000 }) }) },
    { weight: 1, arbitrary: fc.record({ crash: fc.constant(true) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.array(answers, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(1, 3),
      async (steps, script, concurrency) => {
        pipeline = await testPipeline({
          destinations: [{ ...warehouse, batch: { maxEvents: 8 }, concurrency }],
          ringBytes: 2048,
        })
        const bad = (value: number) => value % 13 === 5
        pipeline
          .receiver("warehouse")
          .answer((events, request) => (values(events).some(bad) ? 422 : script[request % script.length]!))
        let logged = 0
        for (const one of steps) {
          if ("log" in one) {
            await pipeline.log(...numbered(logged, logged + one.log))
            logged += one.log
          } else if ("advance" in one) await pipeline.advance(one.advance)
          else {
            await pipeline.crash()
            await pipeline.restart()
          }
          await expectLedger()
        }
        pipeline.receiver("warehouse").answer((events) => (values(events).some(bad) ? 422 : 200))
        await pipeline.advance("3 hours")
        // One more event, so that held suspects are decided.
        await pipeline.log({ eventName: "n", value: 1_000_000 })
        await pipeline.advance("3 hours")
        const arrived = new Set(values(pipeline.receiver("warehouse").events))
        const dead = new Set(
          (await pipeline.deadLetters()).map(({ event }) => JSON.parse(event).value as number),
        )
        for (const value of range(0, logged)) {
          expect(arrived.has(value) || dead.has(value), `event ${value}`).toBe(true)
          if (bad(value)) expect(arrived.has(value)).toBe(false)
        }
        expect((await pipeline.destinations())[0]).toMatchObject({ pending: 0 })
        await expectLedger()
        await pipeline.close()
      },
    ),
    { numRuns: 60 },
  )
})
