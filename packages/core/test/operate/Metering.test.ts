import type { TestPipeline } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { describe, expect, test } from "vitest"
import { coreMetrics } from "../../src/base/metrics/coreMetrics.ts"
import * as Millrace from "../../src/Millrace.ts"
import { Metering } from "../../src/operate/Metering.ts"
import * as Store from "../../src/ports/Store.ts"
import * as Transport from "../../src/ports/Transport.ts"
import { layerTest } from "../support/codec.ts"
import { hook, sdk, start } from "../support/views.ts"

/** Samples by what stands before their value. */
const samplesOf = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  )

const look = async (pipeline: TestPipeline) => samplesOf(await pipeline.metrics())

describe("metrics", () => {
  test("answer what is asked of a destination that fails: since when, how often, with which answers", async () => {
    const pipeline = await start()
    pipeline.receiver("hook").answer(503)
    await pipeline.log({ eventName: "a" }, { eventName: "b" })
    await pipeline.advance("1 day")
    const failing = await look(pipeline)
    expect(failing['millrace_destination_pending_events{destination="hook"}']).toBe(2)
    expect(failing['millrace_destination_oldest_pending_age_seconds{destination="hook"}']).toBe(24 * 3_600)
    const failures = failing['millrace_destination_failures_in_a_row{destination="hook"}']!
    expect(failures).toBeGreaterThan(5)
    expect(failing['millrace_destination_circuit_open{destination="hook"}']).toBe(failures < 10 ? 0 : 1)
    const tried = pipeline.receiver("hook").requests.length
    expect(failing['millrace_destination_attempts_total{destination="hook",answer="5xx"}']).toBe(tried)
    expect(failing['millrace_destination_attempt_duration_seconds_count{destination="hook"}']).toBe(tried)
    expect(failing['millrace_destination_delivery_delay_seconds_count{destination="hook"}']).toBe(0)

    pipeline.receiver("hook").answer(200)
    await pipeline.advance("2 hours")
    const well = await look(pipeline)
    expect(well['millrace_destination_oldest_pending_age_seconds{destination="hook"}']).toBe(0)
    expect(well['millrace_destination_attempts_total{destination="hook",answer="2xx"}']).toBeGreaterThan(0)
    expect(well['millrace_destination_events_total{destination="hook",outcome="delivered"}']).toBe(2)
  })

  test("tell how late an event is delivered, by what has passed since it was received", async () => {
    const pipeline = await start()
    pipeline
      .receiver("hook")
      .answer((_, request) => (request === 0 ? { status: 503, retryAfter: "100" } : 200))
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("5 minutes")
    const seen = await look(pipeline)
    const delay = "millrace_destination_delivery_delay_seconds"
    expect(seen[`${delay}_bucket{destination="hook",le="60"}`]).toBe(0)
    expect(seen[`${delay}_bucket{destination="hook",le="300"}`]).toBe(1)
    expect(seen[`${delay}_sum{destination="hook"}`]).toBe(100)
  })

  test("tell slow answers, and those that never came, from quick ones", async () => {
    const pipeline = await start()
    const answers = [{ status: 200, after: 300 }, "timeout", 200] as const
    pipeline.receiver("hook").answer((_, request) => answers[request] ?? 200)
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 second")
    await pipeline.log({ eventName: "b" })
    await pipeline.advance("1 hour")
    const seen = await look(pipeline)
    const duration = "millrace_destination_attempt_duration_seconds"
    expect(seen[`${duration}_bucket{destination="hook",le="0.25"}`]).toBe(1)
    expect(seen[`${duration}_bucket{destination="hook",le="0.5"}`]).toBe(2)
    expect(seen[`${duration}_bucket{destination="hook",le="30"}`]).toBe(3)
    expect(seen['millrace_destination_attempts_total{destination="hook",answer="none"}']).toBe(1)
  })

  test("count requests by how long they take, dead letters, and the log beside its cap", async () => {
    const pipeline = await start({ maxBytes: 1_000_000 })
    await pipeline.post(
      { events: [{ eventName: "a", user: { userID: "u" }, time: pipeline.now() }, { eventName: 7 }] },
      { headers: sdk },
    )
    await pipeline.advance("1 minute")
    const seen = await look(pipeline)
    expect(seen['millrace_intake_request_duration_seconds_count{route="log_event"}']).toBe(1)
    expect(seen['millrace_intake_request_duration_seconds_bucket{route="log_event",le="0.001"}']).toBe(1)
    expect(seen['millrace_dead_letters{destination="intake"}']).toBe(1)
    expect(seen.millrace_log_max_bytes).toBe(1_000_000)
    expect(seen.millrace_log_bytes).toBeGreaterThan(100)
    expect(seen.millrace_log_bytes).toBeLessThan(10_000)
    expect(seen.millrace_store_up).toBe(1)
  })

  test("have nothing of a destination that was removed", async () => {
    const pipeline = await start()
    await pipeline.addDestination({ id: "other", url: "https://other.test/", batch: { maxDelay: 0 } })
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 minute")
    expect(await pipeline.metrics()).toContain('destination="other"')
    await pipeline.removeDestination("other")
    await pipeline.advance("1 minute")
    const text = await pipeline.metrics()
    expect(text).not.toContain('destination="other"')
    expect(text).toContain('destination="hook"')
  })

  test("are there without the store, but for what only it knows", async () => {
    const pipeline = await start()
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 minute")
    pipeline.failStore(true)
    const seen = await look(pipeline)
    expect(seen.millrace_store_up).toBe(0)
    expect(seen['millrace_intake_events_total{outcome="stored"}']).toBe(1)
    expect(seen['millrace_destination_attempts_total{destination="hook",answer="2xx"}']).toBe(1)
    expect(seen['millrace_destination_pending_events{destination="hook"}']).toBeUndefined()
    expect(seen.millrace_log_bytes).toBeUndefined()
    pipeline.failStore(false)
    expect((await look(pipeline))['millrace_destination_pending_events{destination="hook"}']).toBe(0)
  })
})

describe("for users of Effect", () => {
  test("they are in the registry of their program, as its exporters read it", async () => {
    const ports = Layer.mergeAll(
      Store.layerMemory(),
      layerTest,
      Layer.succeed(Transport.Transport, {
        send: () => Effect.succeed({ status: 200, retryAfter: null, body: "" }),
      }),
    )
    const program = Effect.gen(function* () {
      const { look } = yield* Metering
      yield* look
      return yield* Metric.snapshot
    }).pipe(
      Effect.provide(
        Layer.provide(Millrace.layer({ keys: { server: ["secret-1"] }, destinations: [hook] }), ports),
      ),
      Effect.provideService(Metric.MetricRegistry, new Map()),
    )
    const snapshot = await Effect.runPromise(program)
    expect(snapshot.find(({ id }) => id === coreMetrics.destinationPending.name)).toMatchObject({
      type: "Gauge",
      attributes: { destination: "hook" },
      state: { value: 0 },
    })
  })
})
