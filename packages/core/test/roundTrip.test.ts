import { type TestPipeline, testPipeline } from "@millrace/testkit"
import * as fc from "fast-check"
import { afterEach, expect, test } from "vitest"

const url = "/v1/webhooks/event_webhook"

const pipelines: Array<TestPipeline> = []
afterEach(async () => {
  for (const pipeline of pipelines.splice(0)) await pipeline.close()
})

type Form = Readonly<{ format: "array" | "data"; exposures: "statsigMetadata" | "metadata" }>

const everything = { categories: { internal: true } }

const open = async (form: Form, catalog?: Record<string, unknown>) => {
  const destination = { id: "next", url: "https://next.test/hook", filter: everything, ...form }
  const pipeline = await testPipeline({
    destinations: [destination],
    ...(catalog === undefined ? {} : { catalog }),
  })
  pipelines.push(pipeline)
  return pipeline
}

/** What comes out of a pipeline, as the bodies of its requests. */
const flush = async (pipeline: TestPipeline, format: Form["format"]) => {
  const { requests } = pipeline.receiver("next")
  const before = requests.length
  await pipeline.advance("1 second")
  return requests.slice(before).map(({ events }) => (format === "data" ? { data: events } : events))
}

const forms: ReadonlyArray<Form> = [
  { format: "array", exposures: "statsigMetadata" },
  { format: "array", exposures: "metadata" },
  { format: "data", exposures: "statsigMetadata" },
  { format: "data", exposures: "metadata" },
]

const detailNames = [
  "gate",
  "gateValue",
  "gateGroupName",
  "config",
  "ruleID",
  "ruleName",
  "groupName",
  "experimentGroupName",
  "allocatedExperiment",
  "parameterName",
  "isExplicitParameter",
  "__proto__",
]

const scalar = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "true", "false", "a_config"),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)

const value = fc.oneof({ weight: 5, arbitrary: scalar }, fc.jsonValue({ maxDepth: 2 }))

const details = fc.dictionary(fc.constantFrom(...detailNames), value, { maxKeys: 6 })

const object = fc.oneof(fc.dictionary(fc.string(), value, { maxKeys: 4 }), details)

const eventName = fc.oneof(
  fc.constantFrom(
    "statsig::gate_exposure",
    "statsig::config_exposure",
    "statsig::experiment_exposure",
    "statsig::layer_exposure",
    "statsig::diagnostics",
    "page_view",
  ),
  fc.string({ minLength: 1 }),
)

const user = fc.oneof(
  fc.record({ userID: fc.oneof(fc.string(), fc.integer(), fc.constant(null)) }, { requiredKeys: [] }),
  object,
  fc.constantFrom(null, []),
)

const time = fc.oneof(
  fc.integer({ min: -1e12, max: 4e12 }),
  fc.double({ min: 0, max: 4e12, noNaN: true }),
  fc.constantFrom("1700000000000", "2026-01-01T00:00:00.5Z", null, 1e300),
)

const event = fc.record(
  {
    eventName,
    user,
    time,
    value: scalar,
    metadata: fc.oneof(object, fc.constantFrom(null, [])),
    statsigMetadata: object,
  },
  { requiredKeys: ["eventName"] },
)

const body = fc.record(
  { events: fc.array(event, { minLength: 1, maxLength: 5 }), user: object, statsigMetadata: object },
  { requiredKeys: ["events"] },
)

/**
 * Only the first Millrace has it: of what it says, only the exported events can tell the second.
 */
const catalog = {
  feature_gates: [],
  layer_configs: [],
  dynamic_configs: [{ name: "a_config", entity: "dynamic_config", rules: [] }],
}

test.each(forms)("what a Millrace sends, the next one takes and sends on as it is: %o", async (form) => {
  const first = await open(form, catalog)
  const second = await open(form)
  let events = 0
  await fc.assert(
    fc.asyncProperty(body, async (sent) => {
      const reply = await first.post(sent, { headers: { "statsig-sdk-type": "any" } })
      expect(reply).toMatchObject({ status: 202, body: '{"success":true}' })
      const bodies = await flush(first, form.format)
      expect(bodies.length).toBeGreaterThan(0)
      for (const sentOn of bodies) {
        const { status, body } = await second.post(sentOn, { url, headers: { "statsig-client-time": "" } })
        expect([status, body]).toEqual([202, '{"success":true}'])
      }
      expect(await flush(second, form.format)).toEqual(bodies)
      events += sent.events.length
    }),
    { numRuns: 150 },
  )
  expect(second.receiver("next").events).toHaveLength(events)
})

test("Statsig's configuration changes come through, their time as a number or as text", async () => {
  const pipeline = await open({ format: "data", exposures: "statsigMetadata" })
  const change = {
    eventName: "statsig::config_change",
    user: { name: "A Person", email: "person@example.com" },
    timestamp: 1_709_660_061_095,
    value: "",
    metadata: {
      type: "Gate",
      name: "checkout",
      description: "- Updated Rule everyone\n  - Pass percentage: 0% -> 50%",
      action: "updated",
      environments: "development,production",
      tags: ["core"],
    },
  }
  for (const timestamp of [change.timestamp, String(change.timestamp)]) {
    const reply = await pipeline.post({ data: [{ ...change, timestamp }] }, { url })
    expect(reply.status).toBe(202)
    expect(await flush(pipeline, "data")).toMatchObject([{ data: [{ ...change, userID: "" }] }])
  }
})

test("an id that many events share keeps none of them from being sent, each under a webhook-id of its own", async () => {
  const pipeline = await open({ format: "array", exposures: "statsigMetadata" })
  const timeUUID = "f4c414a0-8aa5-11ec-a8a3-0242ac120002"
  for (const at of [1, 2]) {
    await pipeline.post([{ eventName: "e", user: {}, timestamp: 1, value: String(at), timeUUID }], { url })
    await pipeline.advance("1 second")
  }
  const { requests } = pipeline.receiver("next")
  expect(requests.map(({ events }) => events.map((event) => [event.value, event.timeUUID]))).toEqual([
    [["1", timeUUID]],
    [["2", timeUUID]],
  ])
  expect(new Set(requests.map(({ headers }) => headers["webhook-id"])).size).toBe(2)
})

test("an event that dies is known by the id it has brought with it", async () => {
  const pipeline = await open({ format: "array", exposures: "statsigMetadata" })
  const timeUUID = "f4c414a0-8aa5-11ec-a8a3-0242ac120002"
  pipeline.receiver("next").answer((events) => (events.some(({ value }) => value === "bad") ? 400 : 200))
  await pipeline.post(
    [
      { eventName: "e", user: {}, timestamp: 1, value: "bad", timeUUID },
      { eventName: "e", user: {}, timestamp: 1, value: "good" },
    ],
    { url },
  )
  await pipeline.advance("1 minute")
  expect(await pipeline.deadLetters()).toMatchObject([{ reason: "refused", eventId: timeUUID }])
})
