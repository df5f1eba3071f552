import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, describe, expect, test } from "vitest"

const hook = { id: "hook", url: "https://hook.test/", batch: { maxEvents: 10 } }

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [{ ...hook, filter: { exclude: ["out"] } }] })
  await pipeline.log(
    ...Array.from({ length: 50 }, (_, at) => ({ eventName: at % 5 === 0 ? "out" : "in", value: at })),
  )
  await pipeline.advance("10 seconds")
})
afterEach(() => pipeline.close())

const receiver = () => pipeline.receiver("hook")

const begin = () => pipeline.replay({ destination: "hook", since: 0, until: pipeline.now() })

describe("a replay of a range", () => {
  test("tells how far it has come, and for an hour how it has ended", async () => {
    receiver().answer({ status: 200, after: "1 minute" })
    const startedAt = pipeline.now()
    const name = await begin()
    await pipeline.advance("150 seconds")
    expect(await pipeline.jobs()).toMatchObject([
      {
        ...{ name, kind: "range", destination: "hook", total: 50, delivered: 20, failed: 0 },
        ...{ startedAt, endedAt: null, stopped: null },
      },
    ])
    const [{ looked } = { looked: 0 }] = await pipeline.jobs()
    expect(looked).toBeGreaterThanOrEqual(20)
    expect(looked).toBeLessThan(50)
    await pipeline.advance("10 minutes")
    expect(await pipeline.jobs()).toMatchObject([
      { name, total: 50, looked: 50, delivered: 40, filtered: 10, stopped: null },
    ])
    expect((await pipeline.jobs())[0]?.endedAt).not.toBeNull()
    await pipeline.advance("61 minutes")
    expect(await pipeline.jobs()).toEqual([])
  })

  test("is told of though it ends before anybody asks", async () => {
    const name = await begin()
    await pipeline.advance("1 minute")
    expect(await pipeline.jobs()).toMatchObject([{ name, looked: 50, delivered: 40, filtered: 10 }])
  })

  test("goes on after a restart, and is told of then", async () => {
    receiver().answer(503)
    const name = await begin()
    await pipeline.advance("1 minute")
    await pipeline.close()
    await pipeline.restart()
    expect(await pipeline.jobs()).toMatchObject([{ name, total: 50, delivered: 0, endedAt: null }])
  })

  test("stops when it is told: what it has sent stays sent, and live traffic goes on", async () => {
    receiver().answer({ status: 200, after: "1 minute" })
    const name = await begin()
    await pipeline.advance("90 seconds")
    const stopping = pipeline.stopJob(name)
    await pipeline.advance("2 minutes")
    await stopping
    const { length } = receiver().events
    expect(await pipeline.jobs()).toMatchObject([{ name, delivered: 10, stopped: "stopped by hand" }])
    receiver().answer(200)
    await pipeline.log({ eventName: "live" })
    await pipeline.advance("1 hour")
    expect(receiver().events.length).toBe(length + 1)
    expect((await pipeline.destinations())[0]).toMatchObject({ delivered: 41, pending: 0 })
    await expect(pipeline.stopJob(name)).rejects.toMatchObject({ _tag: "UnknownJob" })
  })

  test("stops while it waits for a receiver that is down", async () => {
    receiver().answer(503)
    const name = await begin()
    await pipeline.advance("6 hours")
    await pipeline.stopJob(name)
    receiver().answer(200)
    await pipeline.advance("6 hours")
    expect(receiver().events).toHaveLength(40)
  })
})
