import type { Millrace } from "@millrace/core"
import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { describe, expect, it } from "vitest"
import { statsig } from "../src/index.ts"

const events = "https://events.statsig.test"
const inbox = `${events}/v1/log_event`

const front = (
  options: Parameters<typeof statsig>[0] = {},
  more: Millrace.MillraceOptions = {},
): Promise<TestPipeline> =>
  testPipeline({
    keys: { server: ["secret-test", "secret-other"] },
    extensions: [statsig({ upstream: { events }, relay: true, ...options })],
    ...more,
  })

const body = (statsigMetadata: unknown, ...names: ReadonlyArray<string>) => ({
  statsigMetadata,
  events: names.map((eventName) => ({
    eventName,
    user: { userID: "u" },
    time: Date.parse("2026-01-01T00:00:00Z"),
    metadata: { a: "b" },
    secondaryExposures: [{ gate: "g", gateValue: "true", ruleID: "r" }],
  })),
})

const node = { sdkType: "statsig-node", sdkVersion: "6.5.2", sessionID: "s" }

const received = (pipeline: TestPipeline) =>
  pipeline.receiver(inbox).requests.map(({ headers, body: text }) => ({
    key: headers["statsig-api-key"],
    ...(JSON.parse(text) as {
      readonly statsigMetadata: unknown
      readonly events: ReadonlyArray<{ readonly eventName: string; readonly time: number }>
    }),
  }))

const namesIn = (pipeline: TestPipeline) =>
  received(pipeline).map(({ key, events: sent }) => [key, sent.map(({ eventName }) => eventName)])

describe("the relay", () => {
  it("sends what was accepted on as the SDK sent it, with its key and its metadata", async () => {
    const pipeline = await front()
    await pipeline.post(body(node, "a", "b"), {
      headers: { "statsig-sdk-type": "statsig-node", "statsig-sdk-version": "6.5.2" },
    })
    await pipeline.advance("1 minute")
    const [request] = pipeline.receiver(inbox).requests
    expect(request?.headers).toMatchObject({
      "statsig-api-key": "secret-test",
      "statsig-client-time": String(request?.at),
      "statsig-event-count": "2",
      "statsig-sdk-type": "statsig-node",
      "statsig-sdk-version": "6.5.2",
      "content-type": "application/json",
      "content-encoding": "gzip",
      "millrace-relay": expect.stringMatching(/^[0-9a-f]{12}$/),
    })
    const sent = JSON.parse(request!.body)
    const ids = { timeUUID: expect.stringMatching(/^[0-9a-f-]{36}$/) }
    const original = body(node, "a", "b")
    expect(sent).toEqual({
      events: original.events.map((event) => ({ ...event, ...ids })),
      statsigMetadata: node,
    })
    await pipeline.close()
  })

  it("never corrects a clock twice", async () => {
    const pipeline = await front()
    const skewed = pipeline.now() - 3_600_000
    await pipeline.post(
      { events: [{ eventName: "a", user: { userID: "u" }, time: skewed - 1_000 }] },
      { headers: { "statsig-client-time": String(skewed) } },
    )
    const logged = pipeline.now() - 1_000
    await pipeline.advance("1 minute")
    const [request] = pipeline.receiver(inbox).requests
    expect(JSON.parse(request!.body).events[0].time).toBe(logged)
    expect(Number(request!.headers["statsig-client-time"])).toBe(request!.at)
    await pipeline.close()
  })

  it("has one key and one statsigMetadata in a request, and keeps the order", async () => {
    const pipeline = await front({ relay: false }, { destinations: [{ id: "statsig", url: "statsig:" }] })
    const other = { headers: { "statsig-api-key": "secret-other" } }
    await pipeline.post(body(node, "a"))
    await pipeline.post(body(node, "b"))
    await pipeline.post(body({ ...node, sessionID: "t" }, "c"))
    await pipeline.post(body(node, "d"), other)
    await pipeline.post(body(node, "e"), other)
    await pipeline.advance("1 minute")
    expect(namesIn(pipeline)).toEqual([
      ["secret-test", ["a", "b"]],
      ["secret-test", ["c"]],
      ["secret-other", ["d", "e"]],
    ])
    await pipeline.close()
  })

  it("waits while Statsig is away, loses nothing, and sends what waited in order", async () => {
    const pipeline = await front()
    pipeline.receiver(inbox).answer("connection failed")
    for (const name of ["a", "b", "c"]) {
      await pipeline.post(body(node, name))
      await pipeline.advance("10 minutes")
    }
    pipeline.receiver(inbox).answer(202)
    await pipeline.advance("1 hour")
    const arrived = pipeline.receiver(inbox).requests.filter(({ status }) => status === 202)
    expect(arrived.flatMap(({ events: sent }) => sent.map(({ eventName }) => eventName))).toEqual([
      "a",
      "b",
      "c",
    ])
    await pipeline.close()
  })

  it("drops noisy events before Statsig meters them", async () => {
    const filter = { exclude: ["noise"] }
    const pipeline = await front(
      { relay: false },
      { destinations: [{ id: "statsig", url: "statsig:", filter }] },
    )
    await pipeline.post(body(node, "a", "noise", "b"))
    await pipeline.advance("1 minute")
    expect(namesIn(pipeline)).toEqual([["secret-test", ["a", "b"]]])
    await pipeline.close()
  })

  it("says what is set up wrongly, and waits", async () => {
    const pipeline = await front()
    pipeline.receiver(inbox).answer(402)
    await pipeline.post(body(node, "a"))
    await pipeline.advance("1 minute")
    const [attempt] = await pipeline.attempts({ limit: 1 })
    expect(attempt).toMatchObject({
      outcome: "misconfigured",
      status: 402,
      error: "answered 402: the Statsig project may log no more events: see its plan",
    })
    pipeline.receiver(inbox).answer(202)
    await pipeline.advance("2 hours")
    expect(namesIn(pipeline).at(-1)).toEqual(["secret-test", ["a"]])
    await pipeline.close()
  })

  it("replays a dead letter as it was sent", async () => {
    const pipeline = await front()
    const refusing = (events: ReadonlyArray<{ readonly eventName: string }>) =>
      events.some(({ eventName }) => eventName === "bad") ? 400 : 202
    pipeline.receiver(inbox).answer(refusing)
    await pipeline.post(body(node, "bad"))
    await pipeline.advance("1 minute")
    await pipeline.post(body(node, "good"))
    await pipeline.advance("1 hour")
    expect(await pipeline.deadLetters()).toMatchObject([{ eventName: "bad" }])
    const [first] = received(pipeline)
    pipeline.receiver(inbox).answer(202)
    expect(await pipeline.replayDeadLetters({ destination: "statsig" })).toMatchObject({ replayed: 1 })
    expect(received(pipeline).at(-1)).toEqual(first)
    await pipeline.close()
  })

  it("goes on with the server key for senders whose key is none of the project's", async () => {
    const pipeline = await testPipeline({
      keys: "none",
      extensions: [statsig({ upstream: { events }, relay: true, serverKey: "secret-project" })],
    })
    await pipeline.post(body(node, "a"))
    await pipeline.advance("1 minute")
    expect(namesIn(pipeline)).toEqual([["secret-project", ["a"]]])
    await pipeline.close()
  })

  it("without any key is a mistake at the start", async () => {
    const starting = testPipeline({
      keys: "none",
      extensions: [statsig({ upstream: { events }, relay: true })],
    })
    await expect(starting).rejects.toMatchObject({
      problems: [{ path: "destinations[0].url", message: expect.stringContaining("statsig.serverKey") }],
    })
  })

  it("refuses options that mean nothing there, each by its path", async () => {
    const starting = testPipeline({
      keys: { server: ["secret-test"] },
      extensions: [statsig({ upstream: { events } })],
      destinations: [
        {
          id: "s",
          url: "statsig:",
          format: "ndjson",
          headers: { "x-team": "growth" },
          compress: "gzip",
          signing: { statsig: "s3cret" },
          transform: (event) => event,
        },
      ],
    })
    await expect(starting).rejects.toMatchObject({
      problems: ["signing", "format", "headers", "compress", "transform"].map((name) => ({
        path: `destinations[0].${name}`,
      })),
    })
  })

  it("goes by the proxy and the certificates of its destination, or says what is missing", async () => {
    const starting = testPipeline({
      keys: { server: ["secret-test"] },
      extensions: [statsig({ upstream: { events } })],
      destinations: [{ id: "s", url: "statsig:", proxy: { env: "NO_SUCH_PROXY" } }],
    })
    await expect(starting).rejects.toMatchObject({ problems: [{ path: "destinations[0].proxy" }] })
  })

  it("that leads back here is stopped by 508", async () => {
    const pipeline = await front()
    await pipeline.post(body(node, "a"))
    await pipeline.advance("1 minute")
    const mark = pipeline.receiver(inbox).requests[0]!.headers["millrace-relay"]!
    const reply = await pipeline.post(body(node, "a"), { headers: { "millrace-relay": mark } })
    expect(reply.status).toBe(508)
    const further = await pipeline.post(body(node, "b"), { headers: { "millrace-relay": "0123456789ab" } })
    expect(further.status).toBe(202)
    await pipeline.advance("1 minute")
    expect(pipeline.receiver(inbox).requests.at(-1)!.headers["millrace-relay"]).toBe(`0123456789ab, ${mark}`)
    await pipeline.close()
  })
})
