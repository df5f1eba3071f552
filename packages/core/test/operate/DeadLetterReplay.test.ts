import { type TestPipeline, type TestPipelineOptions, testPipeline } from "@millrace/testkit"
import { afterEach, describe, expect, test } from "vitest"
import type { WebhookEvent } from "../../src/select/Export.ts"

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }

let pipeline: TestPipeline
afterEach(() => pipeline.close())

type Values = ReadonlyArray<number>

const range = (from: number, to: number): Values => Array.from({ length: to - from }, (_, at) => from + at)

const values = (events: ReadonlyArray<WebhookEvent>): Values => events.map(({ value }) => Number(value))

const refusing =
  (bad: Values, status = 422) =>
  (events: ReadonlyArray<WebhookEvent>) =>
    values(events).some((value) => bad.includes(value)) ? { status, body: "no such column" } : 200

const receiver = () => pipeline.receiver("warehouse")

/**
 * Events with these values, among others that pass, become dead letters; from then on everything
 * passes.
 */
const withLetters = async (bad: Values, options: TestPipelineOptions = { destinations: [warehouse] }) => {
  pipeline = await testPipeline(options)
  receiver().answer(refusing(bad))
  for (const value of bad.flatMap((value) => [value, 1000])) {
    await pipeline.log({ eventName: "n", value })
    await pipeline.advance("1 second")
  }
  await pipeline.advance("10 minutes")
  const letters = await pipeline.deadLetters({ limit: 1000 })
  expect(letters).toHaveLength(bad.length)
  receiver().answer(200)
  return { letters, before: receiver().requests.length, sent: receiver().events.length }
}

const replay = (request: { readonly eventIds?: ReadonlyArray<string>; readonly before?: number } = {}) =>
  pipeline.replayDeadLetters({ destination: "warehouse", ...request })

describe("letters of a destination", () => {
  test("go out with their own ids under a webhook-id of their own, and stay, marked", async () => {
    const { letters, before, sent } = await withLetters(range(0, 3))
    const rows = await pipeline.destinations()
    expect(await replay()).toEqual({ replayed: 3, failed: [], stopped: null })
    const delivered = receiver().events.slice(sent)
    expect(values(delivered)).toEqual([0, 1, 2])
    expect(new Set(delivered.map(({ timeUUID }) => timeUUID))).toEqual(
      new Set(letters.map(({ eventId }) => eventId)),
    )
    expect(delivered[0]).toMatchObject({ eventName: "n", userID: "a-user" })
    const ids = receiver().requests.map(({ headers }) => headers["webhook-id"])
    expect(receiver().requests).toHaveLength(before + 1)
    expect(new Set(ids.slice(before)).size).toBe(1)
    expect(ids.slice(0, before)).not.toContain(ids[before])
    expect(await pipeline.deadLetters()).toEqual(
      letters.map((letter) => ({ ...letter, replayedAt: pipeline.now() })),
    )
    expect(await pipeline.destinations()).toEqual(rows)
    await pipeline.advance("1 second")
    expect((await pipeline.attempts({ limit: 1 }))[0]).toMatchObject({ outcome: "delivered" })
  })

  test("are replayed once, unless they are named", async () => {
    const { letters, sent } = await withLetters(range(0, 3))
    const eventIds = [letters[1]!.eventId]
    expect(await replay({ eventIds })).toMatchObject({ replayed: 1 })
    expect(values(receiver().events.slice(sent))).toEqual([1])
    expect(await replay()).toMatchObject({ replayed: 2 })
    expect(await replay()).toMatchObject({ replayed: 0 })
    expect(await replay({ eventIds })).toMatchObject({ replayed: 1 })
    expect(values(receiver().events.slice(sent))).toEqual([1, 0, 2, 1])
  })

  test("are chosen by when they died", async () => {
    const { letters } = await withLetters(range(0, 3))
    const times = letters.map(({ deadAt }) => deadAt).sort((a, b) => a - b)
    const before = times[2]!
    const chosen = times.filter((at) => at < before).length
    expect(chosen).toBeGreaterThan(0)
    expect(await replay({ before })).toMatchObject({ replayed: chosen })
  })

  test("go page by page, in batches within the destination's limits", async () => {
    const batch = { maxEvents: 3, maxBytes: 600 }
    const { before } = await withLetters(range(0, 8), { destinations: [{ ...warehouse, batch }] })
    expect(await replay()).toMatchObject({ replayed: 8, stopped: null })
    const sizes = receiver().requests.slice(before)
    expect(sizes.flatMap(({ events }) => values(events)).sort()).toEqual(range(0, 8))
    for (const { events } of sizes) {
      expect(events.length).toBeLessThanOrEqual(3)
      if (events.length > 1) expect(JSON.stringify(events).length).toBeLessThanOrEqual(600)
    }
  })

  test("leave in today's form", async () => {
    await withLetters([1])
    await pipeline.close()
    const fields = { drop: ["user.userID"] }
    await pipeline.restart({ destinations: [{ ...warehouse, fields, format: "data" }] })
    expect(await replay()).toMatchObject({ replayed: 1 })
    expect(receiver().events.at(-1)).toMatchObject({ value: "1", user: {} })
  })

  test("sent twice at a time are delivered once", async () => {
    const { sent } = await withLetters(range(0, 3))
    receiver().answer({ status: 200, after: "1 minute" })
    const both = Promise.all([replay(), replay()])
    await pipeline.advance("5 minutes")
    expect(await both).toMatchObject([{ replayed: 3 }, { replayed: 0 }])
    expect(receiver().events.length - sent).toBe(3)
  })
})

describe("what fails again", () => {
  test("an event refused alone stays a letter, with what was said this time; the others go", async () => {
    const { letters, sent } = await withLetters(range(0, 5))
    receiver().answer(refusing([3], 400))
    const bad = letters.find(({ event }) => JSON.parse(event).value === 3)!
    expect(await replay()).toEqual({
      replayed: 4,
      failed: [{ eventId: bad.eventId, message: "answered 400: no such column" }],
      stopped: null,
    })
    expect(values(receiver().events.slice(sent))).toEqual([0, 1, 2, 4])
    const after = await pipeline.deadLetters()
    expect(after.find(({ eventId }) => eventId === bad.eventId)).toEqual({
      ...bad,
      status: 400,
      message: "answered 400: no such column",
    })
    expect(after.filter(({ replayedAt }) => replayedAt !== null)).toHaveLength(4)
  })

  test("an event too large alone stays a letter, too", async () => {
    await withLetters(range(0, 4))
    receiver().answer((events) => (events.length > 1 || values(events)[0] === 2 ? 413 : 200))
    expect(await replay()).toMatchObject({
      replayed: 3,
      failed: [{ message: "answered 413" }],
      stopped: null,
    })
    expect(await pipeline.deadLetters()).toContainEqual(
      expect.objectContaining({ reason: "too-large", status: 413, replayedAt: null }),
    )
  })

  test.each([
    ["503", 503, "answered 503"],
    ["401", 401, "answered 401"],
    ["410", 410, "answered 410"],
    ["no connection", "connection failed", "connection failed"],
  ] as const)("%s ends it at once: it is not the events", async (_, answer, stopped) => {
    const { before } = await withLetters(range(0, 5))
    receiver().answer(answer)
    expect(await replay()).toEqual({ replayed: 0, failed: [], stopped })
    expect(receiver().requests).toHaveLength(before + 1)
    expect((await pipeline.deadLetters()).every(({ replayedAt }) => replayedAt === null)).toBe(true)
    receiver().answer(200)
    expect(await replay()).toMatchObject({ replayed: 5, stopped: null })
  })

  test("what was delivered before the failure is not sent again by the next one", async () => {
    const { before } = await withLetters(range(0, 6), {
      destinations: [{ ...warehouse, batch: { maxEvents: 2 } }],
    })
    receiver().answer((_, request) => (request === before + 1 ? 503 : 200))
    expect(await replay()).toEqual({ replayed: 2, failed: [], stopped: "answered 503" })
    expect(await replay()).toMatchObject({ replayed: 4, stopped: null })
  })

  test("a destination that refuses everything is not asked about every event", async () => {
    const { before } = await withLetters(range(0, 60))
    receiver().answer(400)
    const { replayed, stopped } = await replay()
    expect({ replayed, stopped }).toEqual({ replayed: 0, stopped: "nothing passes: answered 400" })
    expect(receiver().requests).toHaveLength(before + 32)
  })

  test("a letter that is not there, or whose event a transform still fails on, is named", async () => {
    let works = false
    const transform = (event: WebhookEvent): WebhookEvent => {
      if (!works) throw new TypeError(event.value)
      return event
    }
    const options = { destinations: [{ ...warehouse, transform }] }
    pipeline = await testPipeline(options)
    await pipeline.log({ eventName: "n", value: 1 })
    await pipeline.advance("1 minute")
    const [letter] = await pipeline.deadLetters()
    const eventIds = [letter!.eventId, "another"]
    expect(await replay({ eventIds })).toEqual({
      replayed: 0,
      failed: [
        { eventId: letter!.eventId, message: "the transform threw: TypeError" },
        { eventId: "another", message: "there is no such dead letter" },
      ],
      stopped: null,
    })
    works = true
    expect(await replay()).toMatchObject({ replayed: 1, failed: [] })
  })
})

describe("what cannot be replayed", () => {
  test("letters of intake: nothing of them was ever an event", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    await pipeline.post({
      events: [
        { eventName: "", time: 1, user: {} },
        { eventName: "n", time: 1, user: {} },
      ],
    })
    expect(await pipeline.deadLetters()).toHaveLength(1)
    await expect(pipeline.replayDeadLetters({ destination: "intake" })).rejects.toThrow(
      'dead letters of "intake" are events refused on arrival: correct them and send them in again',
    )
  })

  test("letters of a destination that nobody has configured", async () => {
    await withLetters([1])
    await expect(pipeline.replayDeadLetters({ destination: "other" })).rejects.toThrow(
      'no destination "other" is configured',
    )
  })

  test("letters of a destination that is disabled, also when it becomes so meanwhile", async () => {
    const { before } = await withLetters(range(0, 4), {
      destinations: [{ ...warehouse, batch: { maxEvents: 2 } }],
    })
    await pipeline.disable("warehouse")
    expect(await replay()).toEqual({ replayed: 0, failed: [], stopped: "the destination is disabled" })
    expect(receiver().requests).toHaveLength(before)
    await pipeline.enable("warehouse")
    receiver().answer({ status: 200, after: "1 minute" })
    const replaying = replay()
    await pipeline.advance("1 second")
    await pipeline.disable("warehouse")
    await pipeline.advance("5 minutes")
    expect(await replaying).toEqual({ replayed: 2, failed: [], stopped: "the destination is disabled" })
  })
})

test("an exposure keeps the name and the details it would have had", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  receiver().answer((events) =>
    events.some(({ eventName }) => eventName.startsWith("statsig::")) ? 422 : 200,
  )
  await pipeline.post({
    events: [
      {
        eventName: "statsig::config_exposure",
        time: pipeline.now(),
        user: { userID: "u" },
        metadata: { config: "an_experiment", ruleID: "r", ruleName: "Control" },
      },
      { eventName: "n", time: pipeline.now(), user: {} },
    ],
    statsigMetadata: { sdkType: "any", sdkVersion: "1" },
  })
  await pipeline.advance("1 minute")
  const refused = receiver().requests.flatMap(({ events }) =>
    events.filter(({ eventName }) => eventName.startsWith("statsig::")),
  )
  receiver().answer(200)
  expect(await replay()).toMatchObject({ replayed: 1 })
  expect(receiver().events.at(-1)).toEqual(refused[0])
  expect(refused[0]).toMatchObject({
    eventName: "statsig::experiment_exposure",
    statsigMetadata: { sdkType: "any", experimentGroupName: "Control" },
  })
})
