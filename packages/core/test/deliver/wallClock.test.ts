import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, expect, test } from "vitest"

/**
 * Waits and deadlines of delivery, while the wall clock is set to another time under the process.
 */

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

/**
 * What the log still has of `count` events that all were delivered: as many of them as a replay
 * sends once more.
 */
const replayed = async (): Promise<number> => {
  const before = arrived().length
  await pipeline.replay({ destination: "warehouse", since: 0, until: Number.MAX_SAFE_INTEGER })
  await pipeline.advance("1 minute")
  return arrived().length - before
}

/** The ways in which a wall clock is set to another time: under the process, or while none runs. */
const settings = [
  ["a year ahead", 365 * day, false],
  ["a year back", -365 * day, false],
  ["a year ahead while it is down", 365 * day, true],
  ["a year back while it is down", -365 * day, true],
] as const

test.each(settings)(
  "what is delivered is kept for replay for as long as was said, and no longer, when the clock is put %s",
  async (_, ahead, isDown) => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    await pipeline.log(...numbered(0, 5))
    await pipeline.advance("1 hour")
    if (isDown) await pipeline.crash()
    pipeline.setWallClock(ahead)
    if (isDown) await pipeline.restart()
    await pipeline.advance("3 hours")
    await pipeline.log(...numbered(5, 8))
    await pipeline.advance("66 hours")
    expect(await replayed()).toBe(8)
    await pipeline.advance("4 hours")
    expect(await replayed()).toBe(3)
    await pipeline.advance("4 hours")
    expect(await replayed()).toBe(0)
  },
)

test.each(settings)(
  "a destination that is disabled holds its events for giveUpAfter, and no longer, when the clock is put %s",
  async (_, ahead, isDown) => {
    const retry = { giveUpAfter: "2 days" }
    const destinations = [
      { ...warehouse, retry },
      { id: "other", url: "https://other.test/hook" },
    ]
    /**
     * What becomes of eight events when the destination, disabled in their midst, is enabled after
     * so many hours.
     */
    const enabledAfter = async (hours: number) => {
      pipeline = await testPipeline({ destinations, keepFor: "1 hour" })
      await pipeline.log(...numbered(0, 5))
      await pipeline.advance("1 minute")
      await pipeline.disable("warehouse")
      await pipeline.log(...numbered(5, 8))
      await pipeline.advance("1 minute")
      if (isDown) await pipeline.crash()
      pipeline.setWallClock(ahead)
      if (isDown) await pipeline.restart()
      await pipeline.advance(`${hours - 2} hours`)
      // What happens to the log makes it look what may go.
      await pipeline.log(...numbered(8, 9))
      await pipeline.advance("2 hours")
      await pipeline.enable("warehouse")
      await pipeline.advance("1 minute")
      const row = (await pipeline.destinations()).find(({ id }) => id === "warehouse")!
      await pipeline.close()
      return row
    }
    expect(await enabledAfter(47)).toMatchObject({ delivered: 9, trimmed: 0, pending: 0 })
    expect(await enabledAfter(52)).toMatchObject({ delivered: 5, trimmed: 4, pending: 0 })
  },
)

test("a destination that fails for an hour loses nothing to a full log when the clock is put a year ahead", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, retry: { giveUpAfter: "1 day" } }],
    maxBytes: 6_000,
  })
  pipeline.receiver("warehouse").answer(404)
  await pipeline.log(...numbered(0, 10))
  await pipeline.advance("1 hour")
  pipeline.setWallClock(365 * day)
  await pipeline.advance("2 hours")
  /** More than there is room for. */
  const entries = range(1, 50)
  let taken = 10
  const fill = async () => {
    for (const entry of entries) {
      await pipeline.log(...numbered(entry * 10, entry * 10 + 10))
      taken += 10
    }
  }
  await expect(fill()).rejects.toThrow("503")
  await pipeline.advance("2 hours")
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(arrived()).toEqual(range(0, taken))
})

test("what was stored before this process began has the age that stored times give it", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await pipeline.log(...numbered(0, 5))
  await pipeline.advance("2 days")
  await pipeline.log(...numbered(5, 6))
  await pipeline.advance("1 minute")
  for (let restart = 0; restart < 3; restart++) {
    await pipeline.close()
    await pipeline.restart()
    await pipeline.advance("6 hours")
    await pipeline.log(...numbered(6 + restart, 7 + restart))
    await pipeline.advance("1 minute")
  }
  expect(await replayed()).toBe(9)
  await pipeline.advance("6 hours")
  expect(await replayed()).toBe(4)
})
