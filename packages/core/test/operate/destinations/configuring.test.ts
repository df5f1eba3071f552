import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, describe, expect, test } from "vitest"

const configured = { id: "configured", url: "https://configured.test/hook" }

const added = {
  id: "added",
  url: "https://added.test/hook",
  headers: { authorization: "Bearer token-1" },
  signing: { standardWebhooks: [`whsec_${btoa("k".repeat(32))}`] },
}

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [configured] })
  await pipeline.addDestination(added)
})
afterEach(() => pipeline.close())

const names = () => pipeline.receiver("added").events.map(({ eventName }) => eventName)

const change = async (changes: object) =>
  pipeline.changeDestination("added", changes, (await pipeline.destination("added")).revision)

describe("one destination", () => {
  test("is shown with where it comes from, and since when", async () => {
    expect(await pipeline.destination("configured")).toMatchObject({
      ...{ id: "configured", origin: "configured", hasCode: false, selects: "everything" },
      ...{ createdAt: pipeline.now(), selectionSince: null },
    })
    const detail = await pipeline.destination("added")
    expect(detail).toMatchObject({ origin: "added", config: { url: added.url } })
    expect(JSON.stringify(detail)).not.toContain("token-1")
    await expect(pipeline.destination("nobody")).rejects.toMatchObject({ _tag: "UnknownDestination" })
  })

  test("says that code decides", async () => {
    await pipeline.close()
    await pipeline.restart({ destinations: [{ ...configured, predicate: () => true }] })
    expect(await pipeline.destination("configured")).toMatchObject({
      ...{ hasCode: true, selects: "everything, as the program decides" },
      selectionSince: pipeline.now(),
    })
  })

  test("remembers when the configuration has changed what it gets, and only that", async () => {
    const since = async () => (await pipeline.destination("configured")).selectionSince
    const restart = async (options: object) => {
      await pipeline.close()
      await pipeline.advance("1 hour")
      await pipeline.restart({ destinations: [{ ...configured, ...options }] })
    }
    await restart({ timeout: 1000 })
    expect(await since()).toBeNull()
    const filter = { exclude: ["debug_*"] }
    await restart({ filter })
    const changedAt = pipeline.now()
    expect(await since()).toBe(changedAt)
    await restart({ filter })
    expect(await since()).toBe(changedAt)
  })
})

describe("a change", () => {
  test("goes on where the destination stands, by what is new; the rest stays", async () => {
    await pipeline.log({ eventName: "before" })
    await pipeline.advance("2 seconds")
    await pipeline.disable("added")
    await pipeline.log({ eventName: "debug_1" }, { eventName: "while" })
    await change({ filter: { exclude: ["debug_*"] } })
    // What is paused stays paused.
    await pipeline.advance("1 minute")
    expect(names()).toEqual(["before"])
    await pipeline.enable("added")
    await pipeline.advance("2 seconds")
    expect(names()).toEqual(["before", "while"])
    const { headers } = pipeline.receiver("added").requests.at(-1)!
    expect(headers).toMatchObject({ authorization: "Bearer token-1", "webhook-signature": /^v1,/ })
    expect(await pipeline.destination("added")).toMatchObject({
      selects: "everything, but debug_*",
      selectionSince: expect.any(Number),
    })
    const [row] = await pipeline.destinations()
    expect(row).toMatchObject({ id: "added", delivered: 2, filtered: 1, pending: 0 })
  })

  test("outlives a restart", async () => {
    await change({ filter: { include: ["a"] } })
    await pipeline.close()
    await pipeline.restart()
    await pipeline.log({ eventName: "a" }, { eventName: "b" })
    await pipeline.advance("2 seconds")
    expect(names()).toEqual(["a"])
  })

  test("takes effect while the lane waits for a receiver that is down", async () => {
    pipeline.receiver("added").answer(503)
    await pipeline.log({ eventName: "waits" })
    await pipeline.advance("6 hours")
    const { length } = pipeline.receiver("added").requests
    pipeline.receiver("added").answer(200)
    await change({ headers: { authorization: "Bearer token-2" } })
    await pipeline.advance("1 second")
    expect(names()).toEqual(["waits"])
    expect(pipeline.receiver("added").requests).toHaveLength(length + 1)
    expect(pipeline.receiver("added").requests.at(-1)?.headers["authorization"]).toBe("Bearer token-2")
  })

  test("lets what is in flight be answered: it is not sent twice", async () => {
    pipeline.receiver("added").answer({ status: 200, after: "1 second" })
    await pipeline.log({ eventName: "in_flight" })
    await pipeline.advance("1500 millis")
    expect(pipeline.receiver("added").requests).toHaveLength(1)
    const changing = change({ timeout: "5 seconds" })
    await pipeline.advance("10 seconds")
    await changing
    expect(names()).toEqual(["in_flight"])
  })

  test("made from what is not so any more is refused, and changes nothing", async () => {
    const { revision } = await pipeline.destination("added")
    const next = await pipeline.changeDestination("added", { concurrency: 2 }, revision)
    expect(next).toBe((await pipeline.destination("added")).revision)
    await expect(pipeline.changeDestination("added", { concurrency: 3 }, revision)).rejects.toMatchObject({
      _tag: "ChangedMeanwhile",
    })
    expect(await pipeline.destination("added")).toMatchObject({ config: { concurrency: 2 } })
  })

  test("says all that is wrong with it, and where", async () => {
    await expect(
      change({ id: "other", filter: { sample: 2 }, headers: { "x-a": "•••" }, nobody: 1 }),
    ).rejects.toMatchObject({
      _tag: "InvalidOptions",
      problems: [
        { path: "id" },
        { path: "headers.x-a", message: expect.stringContaining("masked") },
        { path: "nobody", message: "unknown key" },
        { path: "filter.sample" },
      ],
    })
    await expect(change({ predicate: () => true })).rejects.toMatchObject({
      problems: [{ path: "predicate" }],
    })
    await expect(change({ headers: { "x-key": { env: "MILLRACE_TEST_NOT_SET" } } })).rejects.toMatchObject({
      problems: [{ path: "headers.x-key" }],
    })
    expect(await pipeline.destination("added")).toMatchObject({
      config: { headers: { authorization: "•••" } },
    })
  })

  test("is for those that were added only", async () => {
    const { revision } = await pipeline.destination("configured")
    await expect(pipeline.changeDestination("configured", {}, revision)).rejects.toMatchObject({
      _tag: "DestinationConfigured",
    })
    await expect(pipeline.changeDestination("nobody", {}, revision)).rejects.toMatchObject({
      _tag: "UnknownDestination",
    })
  })

  test("fails while the store is down, and the destination goes on as it was", async () => {
    const { revision } = await pipeline.destination("added")
    pipeline.failStore(true)
    const changing = pipeline.changeDestination("added", { concurrency: 2 }, revision)
    await expect(changing).rejects.toMatchObject({ _tag: "StoreError" })
    pipeline.failStore(false)
    await pipeline.log({ eventName: "after" })
    await pipeline.advance("1 minute")
    expect(names()).toEqual(["after"])
  })
})
