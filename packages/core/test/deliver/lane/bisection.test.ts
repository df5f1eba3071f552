import { type Answer, type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, expect, test } from "vitest"

/**
 * Batches in which something is wrong with one event, or with their size, at receivers that do not
 * say so.
 */

const retry = { first: "1 second", max: "1 minute", giveUpAfter: "1 hour" } as const
const warehouse = { id: "warehouse", url: "https://warehouse.test/hook", retry }

let pipeline: TestPipeline
afterEach(() => pipeline.close())

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({ eventName: "n", value: from + at }))

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

const arrived = () => pipeline.receiver("warehouse").events.map(({ value }) => Number(value))

const inOrder = (values: ReadonlyArray<number>) => [...values].sort((one, other) => one - other)

const ways: ReadonlyArray<Answer> = [
  ...[401, 403, 404, 406, 408, 429, 500, 501, 502, 503, 504],
  { status: 503, retryAfter: "20" },
  "timeout",
  "connection failed",
]

test.each(ways)(
  "one bad event at a receiver that then answers %j: all others arrive, and it dies",
  async (answer) => {
    for (const bad of [0, 50, 100]) {
      pipeline = await testPipeline({ destinations: [warehouse] })
      pipeline
        .receiver("warehouse")
        .answer((events) => (events.some(({ value }) => Number(value) === bad) ? answer : 200))
      await pipeline.log(...numbered(0, 101))
      await pipeline.advance("30 minutes")
      for (const value of range(101, 111)) {
        await pipeline.log(...numbered(value, value + 1))
        await pipeline.advance("2 minutes")
      }
      expect(inOrder(arrived())).toEqual(range(0, 111).filter((value) => value !== bad))
      expect(await pipeline.deadLetters()).toMatchObject([{ reason: "poison" }])
      await pipeline.close()
    }
  },
)

test("a batch of nothing but bad events does not hold up what comes after it", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline
    .receiver("warehouse")
    .answer((events) => (events.some(({ value }) => Number(value) < 20) ? 403 : 200))
  await pipeline.log(...numbered(0, 20))
  await pipeline.advance("2 seconds")
  await pipeline.log(...numbered(20, 40))
  await pipeline.advance("2 hours")
  expect(arrived()).toEqual(range(20, 40))
})

test("a 413 to everything kills nobody", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(413)
  await pipeline.log(...numbered(0, 50))
  await pipeline.advance("1 day")
  expect(await pipeline.deadLetters()).toEqual([])
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("1 hour")
  expect(inOrder(arrived())).toEqual(range(0, 50))
  expect(await pipeline.deadLetters()).toEqual([])
})

const limit = 100_000
const sized = (from: number, to: number) =>
  numbered(from, to).map((event) => ({ ...event, metadata: { pad: "x".repeat(1_500) } }))

test.each<Answer>([413, "timeout", "connection failed", 502])(
  "the size that passes at a receiver that answers %j to more is remembered, also over a restart",
  async (answer) => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    const sizeOf = (events: unknown) => JSON.stringify(events).length
    pipeline.receiver("warehouse").answer((events) => (sizeOf(events) > limit ? answer : 200))
    await pipeline.log(...sized(0, 400))
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual(range(0, 400))
    await pipeline.crash()
    await pipeline.restart()
    const { requests } = pipeline.receiver("warehouse")
    const before = requests.length
    await pipeline.log(...sized(400, 800))
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual(range(0, 800))
    const sent = requests.slice(before).reduce((sum, { events }) => sum + sizeOf(events), 0)
    const needed = requests
      .slice(before)
      .filter(({ status }) => status === 200)
      .reduce((sum, { events }) => sum + sizeOf(events), 0)
    expect(sent).toBeLessThan(1.2 * needed)
  },
)

test("a limit that goes away is found out: batches grow again", async () => {
  pipeline = await testPipeline({ destinations: [{ ...warehouse, batch: { maxEvents: 64 } }] })
  let most = 8
  pipeline.receiver("warehouse").answer((events) => (events.length > most ? 413 : 200))
  await pipeline.log(...numbered(0, 64))
  await pipeline.advance("1 minute")
  most = 1_000
  for (const round of range(0, 60)) {
    await pipeline.log(...numbered(64 + round * 100, 164 + round * 100))
    await pipeline.advance("1 minute")
  }
  const { requests } = pipeline.receiver("warehouse")
  expect(Math.max(...requests.slice(-20).map(({ events }) => events.length))).toBeGreaterThan(16)
  expect(arrived()).toEqual(range(0, 6_064))
})

test("an outage costs ten small requests, and then one in four rounds", async () => {
  pipeline = await testPipeline({ destinations: [{ id: "warehouse", url: warehouse.url }] })
  pipeline.receiver("warehouse").answer(401)
  await pipeline.log(...numbered(0, 500))
  await pipeline.advance("3 days")
  const { requests } = pipeline.receiver("warehouse")
  const wholes = requests.filter(({ events }) => events.length === 500).length
  const parts = requests.length - wholes
  expect(wholes).toBeGreaterThan(100)
  expect(parts).toBeLessThanOrEqual(10 + wholes / 4)
  for (const { events } of requests) expect(events.length === 500 || events.length <= 63).toBe(true)
})
