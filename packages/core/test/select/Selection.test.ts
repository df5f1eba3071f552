import { type TestPipeline, testPipeline } from "@millrace/testkit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { afterEach, describe, expect, test } from "vitest"
import * as Catalog from "../../src/select/Catalog.ts"
import type { WebhookEvent } from "../../src/select/Export.ts"

// What filters, field rules, transforms and the catalog do in a whole pipeline.

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }
const other = { id: "other", url: "https://other.test/hook" }

let pipeline: TestPipeline
afterEach(() => pipeline.close())

const values = (events: ReadonlyArray<WebhookEvent>) => events.map(({ value }) => Number(value))

const received = (id = "warehouse") => pipeline.receiver(id).events

const numbered = (count: number) => Array.from({ length: count }, (_, value) => ({ eventName: "n", value }))

const expectLedger = async () => {
  for (const row of await pipeline.destinations()) {
    expect(row.due).toBe(row.delivered + row.filtered + row.dead + row.trimmed + row.pending)
  }
}

test("what a rule over fields keeps back counts as filtered", async () => {
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, filter: { where: { field: "value", gte: 7 } } }, other],
  })
  await pipeline.log(...numbered(10))
  await pipeline.advance("1 second")
  expect(values(received())).toEqual([7, 8, 9])
  expect(await pipeline.destinations()).toMatchObject([
    { id: "other", delivered: 10, filtered: 0 },
    { id: "warehouse", delivered: 3, filtered: 7 },
  ])
})

test("a sample takes the same users at every destination", async () => {
  pipeline = await testPipeline({
    destinations: [
      { ...warehouse, filter: { sample: 0.3 } },
      { ...other, filter: { sample: 0.6 } },
    ],
  })
  await pipeline.log(
    ...Array.from({ length: 200 }, (_, n) => ({ eventName: "e", user: { userID: `u${n}` } })),
  )
  await pipeline.advance("1 second")
  const users = (id: string) => received(id).map(({ userID }) => userID)
  expect(users("other")).toEqual(expect.arrayContaining(users("warehouse")))
  expect(users("warehouse").length).toBeGreaterThan(30)
  expect(users("other").length).toBeGreaterThan(users("warehouse").length)
})

describe("fields.hash", () => {
  const hashKey = new Uint8Array(32).fill(1)
  const rule = { hash: ["userID", "user.email"] }

  test("is the same at every destination and after a restart, and nothing raw leaves", async () => {
    const options = {
      hashKey,
      destinations: [
        { ...warehouse, fields: rule },
        { ...other, fields: rule, exposures: "metadata" as const },
      ],
    }
    pipeline = await testPipeline(options)
    const event = { eventName: "e", user: { userID: "a-secret-user", email: "a-secret@mail" } }
    await pipeline.log(event)
    await pipeline.advance("1 second")
    await pipeline.close()
    await pipeline.restart()
    await pipeline.log(event)
    await pipeline.advance("1 second")
    const all = [...received(), ...received("other")]
    expect(all).toHaveLength(4)
    expect(new Set(all.map(({ userID }) => userID)).size).toBe(1)
    expect(all[0]?.userID).toMatch(/^[0-9a-f]{64}$/)
    expect(all[0]?.user["userID"]).toBe(all[0]?.userID)
    expect(JSON.stringify(all)).not.toContain("a-secret")
  })

  test("without a key, or with a short one, nothing starts", async () => {
    const destinations = [{ ...warehouse, fields: rule }]
    pipeline = await testPipeline()
    await expect(testPipeline({ destinations })).rejects.toMatchObject({
      problems: [{ path: "destinations[0].fields.hash", message: "needs the option hashKey" }],
    })
    await expect(testPipeline({ destinations, hashKey: new Uint8Array(3) })).rejects.toMatchObject({
      problems: [{ path: "hashKey", message: "expected 16 bytes at least" }],
    })
  })
})

describe("a transform", () => {
  test("runs once an event for all destinations that share it and the rest of the export", async () => {
    let runs = 0
    const transform = (event: WebhookEvent): WebhookEvent => {
      runs += 1
      return { ...event, metadata: { ...event.metadata, by: "us" } }
    }
    pipeline = await testPipeline({
      destinations: [
        { ...warehouse, transform },
        { ...other, transform, format: "data" },
      ],
    })
    await pipeline.log(...numbered(20))
    await pipeline.advance("1 second")
    for (const id of ["warehouse", "other"]) {
      expect(values(received(id))).toEqual(values(numbered(20) as never))
      expect(received(id)[0]?.metadata).toEqual({ by: "us" })
    }
    expect(runs).toBe(20)
  })

  const failOn =
    (...broken: ReadonlyArray<string>) =>
    (event: WebhookEvent): WebhookEvent => {
      if (broken.includes(event.value)) throw new RangeError(`cannot do ${event.value}`)
      return event
    }

  test("that throws keeps its event from leaving, and no other: it is a dead letter", async () => {
    pipeline = await testPipeline({
      destinations: [{ ...warehouse, transform: failOn("0", "4", "5", "9"), batch: { maxEvents: 3 } }, other],
    })
    await pipeline.log(...numbered(10))
    await pipeline.advance("10 seconds")
    expect(values(received())).toEqual([1, 2, 3, 6, 7, 8])
    expect(values(received("other"))).toHaveLength(10)
    const letters = await pipeline.deadLetters({ destination: "warehouse" })
    expect(letters.map(({ event }) => JSON.parse(event).value).sort()).toEqual([0, 4, 5, 9])
    expect(letters[0]).toMatchObject({
      reason: "unexportable",
      message: "the transform threw: RangeError",
      status: null,
    })
    expect(await pipeline.destinations()).toMatchObject([
      { id: "other", delivered: 10 },
      { id: "warehouse", delivered: 6, filtered: 0, dead: 4, pending: 0 },
    ])
    await expectLedger()
  })

  test("that throws, with a restart at every moment: nothing is lost, counted twice or sent raw", async () => {
    const options = {
      destinations: [
        {
          ...warehouse,
          transform: failOn("2", "3", "7"),
          filter: { exclude: ["x"] },
          batch: { maxEvents: 4 },
        },
      ],
    }
    pipeline = await testPipeline(options)
    pipeline
      .receiver("warehouse")
      .answer((_, request) => (request % 2 === 0 ? 503 : { status: 200, after: "500 millis" }))
    await pipeline.log(...numbered(5), { eventName: "x", value: 100 }, ...numbered(10).slice(5))
    for (let moment = 0; moment < 30; moment++) {
      await pipeline.advance("170 millis")
      await expectLedger()
      await pipeline.crash()
      await pipeline.restart()
    }
    await pipeline.advance("1 hour")
    expect([...new Set(values(received()))].sort()).toEqual([0, 1, 4, 5, 6, 8, 9])
    expect(await pipeline.destinations()).toMatchObject([{ delivered: 7, filtered: 1, dead: 3, pending: 0 }])
  })

  test("that has begun to throw since a batch was opened: the rest of the batch goes", async () => {
    pipeline = await testPipeline({ destinations: [{ ...warehouse, transform: failOn() }] })
    pipeline.receiver("warehouse").answer(503)
    await pipeline.log(...numbered(6))
    await pipeline.advance("1 minute")
    await pipeline.crash()
    pipeline.receiver("warehouse").answer(200)
    await pipeline.restart({
      keys: { server: ["secret-test"] },
      destinations: [{ ...warehouse, transform: failOn("0", "3", "5") }],
    })
    await pipeline.advance("1 hour")
    expect(values(received())).toEqual([1, 2, 4])
    expect(await pipeline.destinations()).toMatchObject([{ delivered: 3, dead: 3, pending: 0 }])
    await expectLedger()
  })
})

test("a filter that has changed since a batch was opened, but ends on the same event, goes on", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  pipeline.receiver("warehouse").answer((events) => (events.length > 2 ? 400 : 503))
  await pipeline.log(...numbered(6))
  await pipeline.advance("1 minute")
  await pipeline.crash()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.restart({
    keys: { server: ["secret-test"] },
    destinations: [{ ...warehouse, filter: { where: { field: "value", in: [1, 5] } } }],
  })
  await pipeline.advance("1 hour")
  expect(values(received())).toEqual([1, 5])
  expect(await pipeline.destinations()).toMatchObject([{ delivered: 2, filtered: 4, pending: 0 }])
  await expectLedger()
})

describe("a catalog", () => {
  const document = (entity: string, groupName: string) => ({
    dynamic_configs: [{ name: "a_config", entity, rules: [{ id: "r1", groupName }] }],
  })
  const exposure = {
    eventName: "statsig::config_exposure",
    metadata: { config: "a_config", ruleID: "r1" },
  }

  test("given as a document", async () => {
    pipeline = await testPipeline({
      catalog: document("dynamic_config", "Everyone"),
      destinations: [warehouse, { ...other, filter: { include: ["statsig::experiment_exposure"] } }],
    })
    await pipeline.log(exposure)
    await pipeline.advance("1 second")
    expect(received()).toMatchObject([
      { eventName: "statsig::config_exposure", statsigMetadata: { experimentGroupName: "Everyone" } },
    ])
    expect(received("other")).toEqual([])
  })

  test("that is replaced counts from then on", async () => {
    let current = Result.getOrThrow(Catalog.fromSpecs(document("experiment", "Control")))
    pipeline = await testPipeline({
      catalog: Layer.succeed(Catalog.CurrentCatalog, () => current),
      destinations: [warehouse],
    })
    await pipeline.log(exposure)
    await pipeline.advance("1 second")
    current = Result.getOrThrow(Catalog.fromSpecs(document("experiment", "Renamed")))
    await pipeline.log(exposure)
    await pipeline.advance("1 second")
    expect(received().map(({ statsigMetadata }) => statsigMetadata["experimentGroupName"])).toEqual([
      "Control",
      "Renamed",
    ])
  })

  test("that is replaced counts for events that another destination was sent before", async () => {
    let current = Result.getOrThrow(Catalog.fromSpecs(document("experiment", "Control")))
    const eager = { batch: { maxEvents: 1 } }
    pipeline = await testPipeline({
      catalog: Layer.succeed(Catalog.CurrentCatalog, () => current),
      destinations: [
        { ...warehouse, ...eager },
        { ...other, ...eager },
      ],
    })
    pipeline.receiver("other").answer({ status: 200, after: "10 seconds" })
    await pipeline.log(exposure, exposure)
    await pipeline.advance("1 second")
    expect(received()).toHaveLength(2)
    current = Result.getOrThrow(Catalog.fromSpecs(document("experiment", "Renamed")))
    await pipeline.advance("1 minute")
    const groups = (id: string) =>
      received(id).map(({ statsigMetadata }) => statsigMetadata["experimentGroupName"])
    expect(groups("warehouse")).toEqual(["Control", "Control"])
    expect(groups("other")).toEqual(["Control", "Renamed"])
  })

  test("that is none is a mistake, told with all others", async () => {
    pipeline = await testPipeline()
    await expect(
      testPipeline({ catalog: { specs: [] }, destinations: [{ ...warehouse, filter: { sample: 2 } }] }),
    ).rejects.toMatchObject({
      problems: [
        { path: "destinations[0].filter.sample" },
        {
          path: "catalog",
          message: "expected at least one of feature_gates, dynamic_configs, layer_configs",
        },
      ],
    })
  })
})
