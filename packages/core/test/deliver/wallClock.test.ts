import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, expect, test } from "vitest"

/** Waits and deadlines of delivery, while the wall clock is set to another time under the process. */

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }
const day = 24 * 60 * 60 * 1000

let pipeline: TestPipeline
afterEach(() => pipeline.close())

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({ eventName: "n", value: from + at }))

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

const arrived = () => pipeline.receiver("warehouse").events.map(({ value }) => Number(value))

test("a batch that is being gathered goes in time when the clock is set back a day", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await pipeline.log(...numbered(0, 3))
  await pipeline.advance("500 millis")
  pipeline.setWallClock(-day)
  await pipeline.log(...numbered(3, 4))
  await pipeline.advance("600 millis")
  expect(arrived()).toEqual(range(0, 4))
})

test("a rate limit lets events pass at its pace when the clock is set back a day", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, batch: { maxEvents: 10 }, rateLimit: { events: 10 } }],
  })
  await pipeline.log(...numbered(0, 100))
  await pipeline.advance("2 seconds")
  pipeline.setWallClock(-day)
  await pipeline.advance("10 seconds")
  expect(arrived()).toEqual(range(0, 100))
})

test.each([-day, 365 * day])(
  "an open circuit is probed in time when the clock is put by %d ms",
  async (ahead) => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    pipeline.receiver("warehouse").answer(503)
    await pipeline.log(...numbered(0, 10))
    await pipeline.advance("2 hours")
    expect(await pipeline.destinations()).toMatchObject([{ circuit: "open" }])
    pipeline.setWallClock(ahead)
    pipeline.receiver("warehouse").answer(200)
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual(range(0, 10))
    await pipeline.log(...numbered(10, 20))
    await pipeline.advance("2 seconds")
    expect(arrived()).toEqual(range(0, 20))
  },
)

test("a suspect that nothing comes after is tried in time when the clock is set back a day", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(400)
  await pipeline.log(...numbered(0, 1))
  await pipeline.advance("2 hours")
  pipeline.setWallClock(-day)
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(arrived()).toEqual([0])
})

test("a clock that is set a year ahead makes nothing old, and time that has really passed does", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer(503)
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("1 hour")
  pipeline.setWallClock(365 * day)
  await pipeline.log(...numbered(5, 10))
  await pipeline.advance("6 days")
  await pipeline.crash()
  await pipeline.restart()
  await pipeline.advance("12 hours")
  expect(await pipeline.deadLetters()).toEqual([])
  await pipeline.advance("2 days")
  const dead = (await pipeline.deadLetters()).map(({ event }) => JSON.parse(event).value as number)
  expect(dead.sort((one, other) => one - other)).toEqual(range(0, 10))
})
