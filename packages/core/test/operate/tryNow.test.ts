import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, describe, expect, test } from "vitest"

const hook = { id: "hook", url: "https://hook.test/" }

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [hook] })
})
afterEach(() => pipeline.close())

const receiver = () => pipeline.receiver("hook")

const requests = () => receiver().requests.length

/** More than a lane holds back as suspects, so that it is the destination that fails. */
const names = Array.from({ length: 100 }, (_, at) => `event_${at}`)

/** Events wait for a receiver that is down, with an hour's back-off, and its circuit open. */
const waitLong = async () => {
  receiver().answer(503)
  await pipeline.log(...names.map((eventName) => ({ eventName })))
  await pipeline.advance("6 hours")
  for (;;) {
    const before = requests()
    await pipeline.advance("10 minutes")
    if (requests() === before) return
  }
}

describe("what waits for a receiver that is down", () => {
  test("is tried exactly once more, at once, when it is asked for", async () => {
    await waitLong()
    const before = requests()
    await pipeline.tryNow("hook")
    await pipeline.advance(0)
    expect(requests()).toBe(before + 1)
    expect(receiver().requests.at(-1)?.at).toBe(pipeline.now())
    await pipeline.advance(1)
    expect(requests()).toBe(before + 1)
    expect((await pipeline.destinations())[0]).toMatchObject({ circuit: "open", pending: 100 })
  })

  test("goes on when the receiver is well again", async () => {
    await waitLong()
    receiver().answer(200)
    await pipeline.tryNow("hook")
    await pipeline.advance("1 second")
    expect(
      receiver()
        .events.map(({ eventName }) => eventName)
        .sort(),
    ).toEqual([...names].sort())
    await pipeline.log({ eventName: "c" })
    await pipeline.advance("2 seconds")
    expect(receiver().events).toHaveLength(101)
    expect((await pipeline.destinations())[0]).toMatchObject({ circuit: "closed", failures: 0, pending: 0 })
  })

  test("keeps to the back-off afterwards", async () => {
    await waitLong()
    const before = requests()
    await pipeline.tryNow("hook")
    await pipeline.advance("24 hours")
    // Half an hour is the mean of what it waits.
    expect(requests() - before).toBeGreaterThan(20)
    expect(requests() - before).toBeLessThan(100)
  })

  test("is tried at once when the destination is enabled again", async () => {
    await waitLong()
    await pipeline.disable("hook")
    receiver().answer(200)
    await pipeline.enable("hook")
    await pipeline.advance("1 second")
    expect(receiver().events).toHaveLength(100)
  })

  test("a replay's part, too", async () => {
    receiver().answer(200)
    await pipeline.log(...names.map((eventName) => ({ eventName })))
    await pipeline.advance("2 seconds")
    receiver().answer(503)
    await pipeline.replay({ destination: "hook", since: 0, until: pipeline.now() })
    await pipeline.advance("6 hours")
    receiver().answer(200)
    await pipeline.tryNow("hook")
    await pipeline.advance("1 second")
    expect(receiver().events).toHaveLength(200)
  })
})

test("an event that is held back alone is tried", async () => {
  receiver().answer(422)
  await pipeline.log({ eventName: "a" })
  await pipeline.advance("6 hours")
  const before = requests()
  receiver().answer(200)
  await pipeline.tryNow("hook")
  await pipeline.advance("1 second")
  expect(requests()).toBe(before + 1)
  expect(receiver().events).toHaveLength(1)
})

test("where nothing waits, nothing is sent", async () => {
  await pipeline.log({ eventName: "a" })
  await pipeline.advance("2 seconds")
  await pipeline.tryNow("hook")
  await pipeline.advance("1 minute")
  expect(requests()).toBe(1)
})

test("nobody is no destination", async () => {
  await expect(pipeline.tryNow("nobody")).rejects.toMatchObject({ _tag: "UnknownDestination" })
})
