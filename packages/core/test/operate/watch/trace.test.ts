import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { describe, expect, onTestFinished, test } from "vitest"
import type { Whereabouts } from "../../../src/operate/rows/events.ts"
import type { EventRow } from "../../../src/operate/rows/place.ts"
import { start } from "../../support/views.ts"

const hook = { id: "hook", url: "https://hook.test/", batch: { maxDelay: 0 } }

/** The rows of all events kept, the oldest first. */
const rowsOf = async (pipeline: TestPipeline): Promise<ReadonlyArray<EventRow>> => {
  const rows: Array<EventRow> = []
  for await (const told of await pipeline.findEvents({ limit: 1000 }))
    if ("row" in told) rows.unshift(told.row)
  return rows
}

const placeOf = async (pipeline: TestPipeline, name: string): Promise<string> => {
  const row = (await rowsOf(pipeline)).find(([, , eventName]) => eventName === name)
  if (row === undefined) throw new Error(`no ${name}`)
  return row[0]
}

/** Where an event is, for one destination. */
const isAt = async (pipeline: TestPipeline, name: string, destination = "hook"): Promise<Whereabouts> => {
  const { places } = await pipeline.event({ place: await placeOf(pipeline, name) })
  const place = places.find((one) => one.destination === destination)
  if (place === undefined) throw new Error(`nothing of ${destination}`)
  return place.is
}

describe("where an event is", () => {
  test("delivered", async () => {
    const pipeline = await start()
    const began = pipeline.now()
    pipeline.receiver("hook").answer({ status: 202, after: 84 })
    await pipeline.log({ eventName: "a" })
    await pipeline.log({ eventName: "b" }, { eventName: "c" })
    await pipeline.advance("3 seconds")
    const ids = pipeline.receiver("hook").requests.map(({ headers }) => headers["webhook-id"])
    const answered = { _tag: "Delivered", status: 202, duration: 84 }
    expect(await isAt(pipeline, "a")).toEqual({ ...answered, at: began + 84, events: 1, webhookId: ids[0] })
    expect(await isAt(pipeline, "c")).toEqual({ ...answered, at: began + 168, events: 2, webhookId: ids[1] })
    for (let at = 0; at < 110; at++) {
      await pipeline.log({ eventName: "later" })
      await pipeline.advance(100)
    }
    await pipeline.advance("3 seconds")
    const unknown = { at: null, status: null, duration: null, events: null, webhookId: null }
    expect(await isAt(pipeline, "a")).toEqual({ _tag: "Delivered", ...unknown })
  })

  test("passed before the filter was changed", async () => {
    const pipeline = await start({ destinations: [] })
    const added = { ...hook, id: "added", url: "https://added.test/" }
    await pipeline.addDestination(added)
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 minute")
    const changedAt = pipeline.now()
    const { revision } = await pipeline.destination("added")
    await pipeline.changeDestination("added", { filter: { include: ["b"] } }, revision)
    await pipeline.log({ eventName: "b" })
    await pipeline.advance("3 seconds")
    expect(await isAt(pipeline, "a", "added")).toEqual({ _tag: "PassedBefore", changedAt, wouldPass: false })
    expect(await isAt(pipeline, "b", "added")).toMatchObject({ _tag: "Delivered" })
  })

  test("filtered, looked at or not", async () => {
    const pipeline = await start({ destinations: [{ ...hook, filter: { exclude: ["debug_*"] } }] })
    await pipeline.log({ eventName: "debug_1" })
    const filtered = { _tag: "Filtered", reason: { _tag: "Excluded", pattern: "debug_*" } }
    expect(await isAt(pipeline, "debug_1")).toEqual(filtered)
    await pipeline.disable("hook")
    await pipeline.log({ eventName: "debug_2" })
    expect(await isAt(pipeline, "debug_2")).toEqual(filtered)
  })

  test("in the batch that is being filled", async () => {
    const pipeline = await start({ destinations: [{ ...hook, batch: { maxDelay: "1 second" } }] })
    await pipeline.log({ eventName: "a" })
    await pipeline.advance(10)
    expect(await isAt(pipeline, "a")).toEqual({ _tag: "Filling", within: 1000 })
    await pipeline.advance("2 seconds")
    expect(await isAt(pipeline, "a")).toMatchObject({ _tag: "Delivered" })
  })

  test("waits for its turn, with how many are before it, and about how long that takes", async () => {
    const pipeline = await start({
      destinations: [{ ...hook, batch: { maxDelay: 0, maxEvents: 10 }, rateLimit: { events: 10 } }],
    })
    const view = (await pipeline.stream({ topics: ["status"] }))[Symbol.asyncIterator]()
    onTestFinished(async () => void (await view.return?.()))
    await view.next()
    for (let at = 0; at < 300; at++) await pipeline.log({ eventName: `e${at}` })
    await pipeline.advance("5 seconds")
    await view.next()
    const is = await isAt(pipeline, "e299")
    if (is._tag !== "Queued") throw new Error(is._tag)
    expect(is.ahead).toBeGreaterThan(200)
    expect(is.about).toBeGreaterThan(10_000)
    expect(is.about).toBeLessThan(40_000)
    await pipeline.advance("2 minutes")
    expect(await isAt(pipeline, "e299")).toMatchObject({ _tag: "Delivered" })
  })

  test("waits while the destination fails", async () => {
    const pipeline = await start()
    pipeline.receiver("hook").answer({ status: 503, retryAfter: "60", body: "down" })
    await pipeline.log({ eventName: "a" })
    await pipeline.log({ eventName: "b" })
    const failing = { _tag: "Failing", status: 503, error: "answered 503: down" }
    expect(await isAt(pipeline, "a")).toEqual({ ...failing, ahead: 0, nextAt: pipeline.now() + 60_000 })
    expect(await isAt(pipeline, "b")).toEqual({ ...failing, ahead: 1, nextAt: pipeline.now() + 60_000 })
  })

  test("waits for a destination that is paused, by hand or gone", async () => {
    const pipeline = await start()
    await pipeline.disable("hook")
    const since = pipeline.now()
    await pipeline.log({ eventName: "a" })
    await pipeline.log({ eventName: "b" })
    await pipeline.advance("1 minute")
    expect(await isAt(pipeline, "b")).toEqual({ _tag: "Paused", reason: "by-hand", since, ahead: 1 })
    pipeline.receiver("hook").answer(410)
    await pipeline.enable("hook")
    await pipeline.advance("1 second")
    expect(await isAt(pipeline, "b")).toMatchObject({ _tag: "Paused", reason: "gone" })
  })

  test("held back, then dead when another one has passed", async () => {
    const pipeline = await start()
    pipeline
      .receiver("hook")
      .answer((sent) =>
        sent.some(({ eventName }) => eventName === "bad") ? { status: 422, body: "no" } : 200,
      )
    await pipeline.log({ eventName: "bad" })
    await pipeline.advance(10)
    expect(await isAt(pipeline, "bad")).toEqual({ _tag: "HeldBack" })
    for (let at = 0; at < 20; at++) {
      await pipeline.log({ eventName: `later${at}` })
      await pipeline.advance("1 minute")
    }
    const [letter] = await pipeline.deadLetters()
    const dead = { _tag: "Dead", reason: "refused", status: 422, message: "answered 422: no" }
    expect(await isAt(pipeline, "bad")).toEqual({ ...dead, at: letter!.deadAt, replayedAt: null })
    pipeline.receiver("hook").answer(200)
    await pipeline.replayDeadLetters({ destination: "hook" })
    expect(await isAt(pipeline, "bad")).toEqual({ ...dead, at: letter!.deadAt, replayedAt: pipeline.now() })
  })

  test("came before the destination began", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 minute")
    const began = pipeline.now()
    await pipeline.addDestination({ ...hook, id: "late", url: "https://late.test/" })
    await pipeline.log({ eventName: "b" })
    await pipeline.advance("1 minute")
    expect(await isAt(pipeline, "a", "late")).toEqual({ _tag: "BeganLater", began })
    expect(await isAt(pipeline, "b", "late")).toMatchObject({ _tag: "Delivered" })
    expect(await isAt(pipeline, "a")).toMatchObject({ _tag: "Delivered" })
  })

  test("was passed over by hand", async () => {
    const pipeline = await start()
    await pipeline.disable("hook")
    await pipeline.log({ eventName: "a" })
    await pipeline.skip("hook")
    await pipeline.enable("hook")
    await pipeline.advance("1 minute")
    expect(await isAt(pipeline, "a")).toEqual({ _tag: "Skipped" })
  })

  test("is known of a lane that has stopped, too", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("5 seconds")
    await pipeline.disable("hook")
    await pipeline.log({ eventName: "b" })
    expect(await isAt(pipeline, "a")).toMatchObject({ _tag: "Delivered" })
    expect(await isAt(pipeline, "b")).toMatchObject({ _tag: "Paused", ahead: 0 })
  })
})

describe("one event", () => {
  test("is shown as it came and as it leaves, with what rules drop and hash", async () => {
    const pipeline = await testPipeline({
      hashKey: new Uint8Array(16),
      destinations: [
        { ...hook, fields: { drop: ["user.email", "metadata.list"], hash: ["user.userID"] } },
        { ...hook, id: "none", url: "https://none.test/", filter: { include: [] } },
      ],
    })
    onTestFinished(() => pipeline.close())
    const user = { userID: "ada", email: "ada@x.test" }
    const sent = {
      eventName: "a",
      user,
      time: pipeline.now() - 5,
      value: 3,
      metadata: { list: "1", page: "/" },
    }
    await pipeline.post(
      { events: [{ eventName: "first", time: pipeline.now() }, sent] },
      { headers: { "statsig-sdk-type": "javascript-client", "statsig-sdk-version": "3.33.5" } },
    )
    const place = await placeOf(pipeline, "a")
    const trace = await pipeline.event({ place })
    expect(JSON.parse(trace.came)).toEqual(sent)
    expect(trace).toMatchObject({
      row: [
        place,
        pipeline.now(),
        "a",
        "custom",
        "ada",
        "3",
        "javascript-client 3.33.5",
        expect.any(String),
        "pf",
        trace.timeUUID,
      ],
      bytes: trace.came.length,
      request: {
        ...{ index: 1, of: 2, receivedAt: pipeline.now(), offset: 0, dialect: "sdk" },
        sdk: "javascript-client 3.33.5",
      },
    })
    expect(trace.request.key).toMatch(/^[0-9a-f]{8}$/)
    const [hooked, none] = trace.places
    expect(none).toMatchObject({ destination: "none", leaves: null, fields: { dropped: [], hashed: [] } })
    expect(JSON.parse(hooked!.leaves!)).toEqual(pipeline.receiver("hook").events.at(-1))
    expect(hooked!.fields).toEqual({
      dropped: ["user.email", "metadata.list"],
      hashed: ["user.userID", "userID"],
    })
    expect(trace.timeUUID).toBe(pipeline.receiver("hook").events.at(-1)!.timeUUID)
    expect(await pipeline.event({ id: trace.timeUUID })).toEqual(trace)
  })

  test("of 1 MiB is cut where it is shown, and whole when it is asked for", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "large", metadata: { text: "x".repeat(1024 * 1024) } })
    const place = await placeOf(pipeline, "large")
    const cut = await pipeline.event({ place })
    expect(cut.came).toHaveLength(64 * 1024)
    expect(cut.places[0]!.leaves).toHaveLength(64 * 1024)
    const whole = await pipeline.event({ place, whole: true })
    expect(whole.came).toHaveLength(cut.bytes)
    expect(cut.bytes).toBeGreaterThan(1024 * 1024)
  })

  test.each([
    { place: "0/0000000000000009/0" },
    { place: "0/0000000000000001/7" },
    { place: "9/0000000000000001/0" },
    { place: "nowhere" },
    { id: "a0d5d6e0-ebb6-11f1-9d96-1de50cf12a2d" },
    { id: "nobody" },
    {},
  ])("of %j is not kept", async (which) => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" })
    await expect(pipeline.event(which)).rejects.toMatchObject({ _tag: "UnknownEvent" })
  })
})
