import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { WebhookEvent } from "../../../src/select/Export.ts"

const hook = { id: "hook", url: "https://hook.test/", batch: { maxEvents: 10 } }

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [hook, { id: "other", url: "https://other.test/" }] })
})
afterEach(() => pipeline.close())

const receiver = () => pipeline.receiver("hook")

const valuesOf = (events: ReadonlyArray<WebhookEvent>) => events.map(({ value }) => Number(value))

/** Events with values below `bad` are refused, each alone; `message` says how. */
const withLetters = async (bad: number, message = (value: number) => `no column "c${value % 3}"`) => {
  receiver().answer((events) => {
    const first = valuesOf(events).find((value) => value < bad)
    return first === undefined ? 200 : { status: 422, body: message(first) }
  })
  for (let value = 0; value < bad; value++) {
    await pipeline.log({ eventName: "n", value }, { eventName: "n", value: 1000 })
    await pipeline.advance("1 second")
  }
  await pipeline.advance("10 minutes")
  expect(await pipeline.deadLetters({ limit: 1000 })).toHaveLength(bad)
  receiver().answer(200)
  return receiver().events.length
}

const job = async (name: string) => (await pipeline.jobs()).find((one) => one.name === name)

describe("a replay of dead letters in the background", () => {
  test("sends those that are chosen, and tells how it goes, for an hour after its end", async () => {
    const sent = await withLetters(25)
    receiver().answer({ status: 200, after: "1 minute" })
    const begun = await pipeline.beginLetterReplay({ destination: "hook" })
    expect(begun).toEqual({ job: expect.stringMatching(/^letters-/), total: 25 })
    const startedAt = pipeline.now()
    await pipeline.advance("90 seconds")
    expect(await job(begun.job)).toEqual({
      ...{ name: begun.job, kind: "letters", destination: "hook", total: 25, startedAt },
      ...{ looked: 10, delivered: 10, filtered: 0, failed: 0, endedAt: null, stopped: null },
    })
    await pipeline.advance("5 minutes")
    expect(await job(begun.job)).toMatchObject({ looked: 25, delivered: 25, stopped: null })
    expect((await job(begun.job))?.endedAt).toBeGreaterThan(startedAt)
    expect(valuesOf(receiver().events.slice(sent)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 25 }, (_, value) => value),
    )
    await pipeline.advance("30 minutes")
    expect(await job(begun.job)).toBeDefined()
    await pipeline.advance("31 minutes")
    expect(await pipeline.jobs()).toEqual([])
  })

  test("of one cause leaves the others", async () => {
    const sent = await withLetters(12, (value) => (value < 4 ? `bad "v${value}"` : "other"))
    const causes = await pipeline.causes("hook")
    expect(causes.map(({ pattern, count }) => [pattern, count])).toEqual([
      ["answered 422: other", 8],
      ["answered 422: bad …", 4],
    ])
    const { reason, pattern, status } = causes[1]!
    const { total } = await pipeline.beginLetterReplay({
      destination: "hook",
      cause: { reason, pattern, status },
    })
    expect(total).toBe(4)
    await pipeline.advance("1 minute")
    expect(valuesOf(receiver().events.slice(sent)).sort()).toEqual([0, 1, 2, 3])
    expect((await pipeline.causes("hook")).map(({ count, replayed }) => [count, replayed])).toEqual([
      [8, 0],
      [4, 4],
    ])
  })

  test("counts what is refused again, and what is not there", async () => {
    await withLetters(3)
    receiver().answer((events) => (valuesOf(events).includes(1) ? 422 : 200))
    const eventIds = (await pipeline.deadLetters()).map(({ eventId }) => eventId)
    const begun = await pipeline.beginLetterReplay({ destination: "hook", eventIds: [...eventIds, "none"] })
    expect(begun.total).toBe(4)
    await pipeline.advance("1 minute")
    expect(await job(begun.job)).toMatchObject({ looked: 4, delivered: 2, failed: 2, stopped: null })
  })

  test("stops when it is told: what is in flight is settled, and nothing more is sent", async () => {
    const sent = await withLetters(25)
    receiver().answer({ status: 200, after: "1 minute" })
    const begun = await pipeline.beginLetterReplay({ destination: "hook" })
    await pipeline.advance("30 seconds")
    await pipeline.stopJob(begun.job)
    await pipeline.advance("10 minutes")
    expect(await job(begun.job)).toMatchObject({ delivered: 10, looked: 10, stopped: "stopped by hand" })
    expect(receiver().events.length - sent).toBe(10)
    const marked = (await pipeline.deadLetters({ limit: 100 })).filter(
      ({ replayedAt }) => replayedAt !== null,
    )
    expect(marked).toHaveLength(10)
    await expect(pipeline.stopJob(begun.job)).rejects.toMatchObject({ _tag: "UnknownJob" })
  })

  test("stops also while it waits for a receiver that is down", async () => {
    await withLetters(3)
    receiver().answer(503)
    await pipeline.log(...Array.from({ length: 100 }, () => ({ eventName: "n", value: 1000 })))
    await pipeline.advance("8 hours")
    const begun = await pipeline.beginLetterReplay({ destination: "hook" })
    await pipeline.advance(0)
    expect(await job(begun.job)).toMatchObject({ endedAt: null })
    const before = receiver().requests.length
    await pipeline.stopJob(begun.job)
    await pipeline.advance(0)
    expect(await job(begun.job)).toMatchObject({ endedAt: pipeline.now(), stopped: "stopped by hand" })
    expect(receiver().requests).toHaveLength(before)
  })

  test("says why it has ended by itself", async () => {
    await withLetters(3)
    receiver().answer(503)
    const begun = await pipeline.beginLetterReplay({ destination: "hook" })
    await pipeline.advance("1 second")
    expect(await job(begun.job)).toMatchObject({ delivered: 0, looked: 0, stopped: "answered 503" })
  })

  test("is one of a bounded number", async () => {
    await withLetters(1)
    receiver().answer({ status: 200, after: "1 hour" })
    const eventIds = (await pipeline.deadLetters()).map(({ eventId }) => eventId)
    for (let count = 0; count < 16; count++)
      await pipeline.beginLetterReplay({ destination: "hook", eventIds })
    await expect(pipeline.beginLetterReplay({ destination: "hook", eventIds })).rejects.toMatchObject({
      _tag: "TooManyJobs",
    })
  })

  test("is for letters of destinations", async () => {
    await expect(pipeline.beginLetterReplay({ destination: "intake" })).rejects.toMatchObject({
      _tag: "NotReplayable",
    })
    await expect(pipeline.beginLetterReplay({ destination: "nobody" })).rejects.toMatchObject({
      _tag: "UnknownDestination",
    })
    await expect(pipeline.stopJob("nobody")).rejects.toMatchObject({ _tag: "UnknownJob" })
  })
})

describe("a purge", () => {
  test("of a cause removes exactly its letters", async () => {
    await withLetters(12, (value) => (value < 4 ? `bad "v${value}"` : "other"))
    const cause = { reason: "refused", pattern: "answered 422: bad …", status: 422 } as const
    expect(await pipeline.purgeLetters({ destination: "other", cause })).toBe(0)
    expect(await pipeline.purgeLetters({ destination: "hook", cause })).toBe(4)
    expect((await pipeline.causes()).map(({ pattern, count }) => [pattern, count])).toEqual([
      ["answered 422: other", 8],
    ])
    const eventIds = (await pipeline.deadLetters()).slice(0, 3).map(({ eventId }) => eventId)
    expect(await pipeline.purgeLetters({ destination: "hook", eventIds })).toBe(3)
    expect(await pipeline.purgeLetters({ destination: "hook" })).toBe(5)
  })
})
