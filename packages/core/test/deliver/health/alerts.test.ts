import { createHmac } from "node:crypto"
import { type Answer, type TestPipelineOptions, testPipeline } from "@millrace/testkit"
import { describe, expect, test } from "vitest"
import * as Signature from "../../../src/base/Signature.ts"
import type { Alert, LogLine } from "../../../src/Millrace.ts"

const begun = Date.parse("2026-01-01T00:00:00Z")
const url = "https://alerts.test/hook?token=s3cret-value"
const whsec = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

const start = async (options: TestPipelineOptions = {}) => {
  const lines: Array<LogLine> = []
  const called: Array<Alert> = []
  const pipeline = await testPipeline({
    destinations: [{ id: "billing", url: "https://billing.test/", batch: { maxDelay: 0 } }],
    alerts: { url, signing: { standardWebhooks: [whsec] } },
    onAlert: (alert) => void called.push(alert),
    log: (line) => lines.push(line),
    ...options,
  })
  const alerts = pipeline.receiver(url)
  /** When each was sent, in minutes, and what it says; attempts that failed included. */
  const sent = (): ReadonlyArray<readonly [number, Alert]> =>
    alerts.requests.map(({ at, body }) => [Math.round((at - begun) / 6000) / 10, JSON.parse(body)] as const)
  const types = () => sent().map(([at, { type, cause }]) => `${at} ${type} ${cause}`)
  const warnings = () => lines.filter(({ level }) => level === "Warn").map(({ message }) => message)
  return { pipeline, lines, called, alerts, sent, types, warnings, billing: pipeline.receiver("billing") }
}

const hmac: Signature.Hmac = {
  hmacSha256: (key, ...parts) =>
    parts.reduce((hash, part) => hash.update(part), createHmac("sha256", key)).digest(),
}

const one = { eventName: "bought", user: { userID: "ada@example.org" } }

const down: Answer = { status: 503, body: "no: ada@example.org" }

describe("alerts", () => {
  test("say that a destination fails and is well again, signed as a webhook is", async () => {
    const { pipeline, billing, alerts, sent, called } = await start()
    billing.answer(down)
    await pipeline.log(one)
    await pipeline.log(one)
    await pipeline.advance("1 hour")
    expect(sent()).toEqual([
      [
        expect.any(Number),
        {
          type: "failing",
          destination: "billing",
          at: expect.stringMatching(/^2026-01-01T00:0[0-5]:/),
          since: "2026-01-01T00:00:00.000Z",
          cause: "answered 503",
          waiting: 2,
          text: "billing fails since 2026-01-01T00:00:00.000Z (answered 503); 2 events wait",
        },
      ],
    ])
    billing.answer(200)
    await pipeline.advance("2 hours")
    expect(sent().slice(1)).toMatchObject([
      [
        expect.any(Number),
        {
          ...{ type: "recovered", destination: "billing", cause: "failing" },
          ...{ since: "2026-01-01T00:00:00.000Z", waiting: 0 },
        },
      ],
    ])
    expect(called).toEqual(sent().map(([, alert]) => alert))
    for (const { headers, body } of alerts.requests) {
      expect(headers["content-type"]).toBe("application/json")
      expect(
        Signature.verify(
          hmac,
          { standardWebhooks: [whsec], statsig: null },
          { headers, body: new TextEncoder().encode(body) },
          Number(headers["webhook-timestamp"]) * 1000,
        ),
      ).toMatchObject({ _tag: "Success" })
      expect(body).not.toMatch(/ada@|s3cret/)
    }
    await pipeline.advance("3 days")
    expect(alerts.requests).toHaveLength(2)
    await pipeline.close()
  })

  test("wake nobody for what is over within minutes", async () => {
    const { pipeline, billing, alerts } = await start()
    billing.answer(down)
    await pipeline.log(one)
    await pipeline.advance(0)
    billing.answer(200)
    await pipeline.advance("1 day")
    expect(alerts.requests).toEqual([])
    await pipeline.close()
  })

  test("say that a destination is disabled, and by what", async () => {
    const { pipeline, billing, types } = await start()
    billing.answer(410)
    await pipeline.log(one)
    await pipeline.advance("1 minute")
    await pipeline.enable("billing")
    await pipeline.advance("1 minute")
    billing.answer(200)
    await pipeline.enable("billing")
    await pipeline.disable("billing")
    await pipeline.advance("1 day")
    expect(types()).toEqual(["0 disabled answered 410", "1 disabled answered 410", "2 disabled by hand"])
    await pipeline.close()
  })

  test("say that events became dead letters: the first at once, the others once an hour", async () => {
    const { pipeline, billing, sent } = await start({
      destinations: [{ id: "billing", url: "https://billing.test/", batch: { maxEvents: 1 } }],
    })
    billing.answer((events) => (events[0]?.eventName === "bad" ? 422 : 200))
    for (let n = 0; n < 30; n++) {
      await pipeline.log({ eventName: "bad" }, { eventName: "good" })
      await pipeline.advance("10 minutes")
    }
    await pipeline.advance("1 day")
    const letters = sent().map(([, { type, events }]) => [type, events])
    expect(new Set(letters.map(([type]) => type))).toEqual(new Set(["dead-letters"]))
    expect(letters.length).toBeLessThanOrEqual(7)
    expect(letters.reduce((sum, [, events]) => sum + Number(events), 0)).toBe(30)
    expect(sent()[0]![1]).toMatchObject({ events: 1, cause: "refused, answered 422", destination: "billing" })
    await pipeline.close()
  })

  test("say that events wait too long, though nothing fails", async () => {
    const { pipeline, types, warnings } = await start({
      destinations: [
        {
          ...{ id: "billing", url: "https://billing.test/" },
          ...{ batch: { maxEvents: 1 }, rateLimit: { requests: 1 / 60 } },
        },
      ],
      alerts: { url, on: ["lag", "recovered"], lag: "10 minutes" },
    })
    for (let n = 0; n < 30; n++) await pipeline.log(one)
    await pipeline.advance("3 days")
    const [first, second, ...others] = types()
    expect(first).toMatch(/^1[01](\.\d)? lag null$/)
    expect(second).toMatch(/^(29|30|31|32)(\.\d)? recovered lag$/)
    expect(others).toEqual([])
    expect(warnings()).toEqual([])
    await pipeline.close()
  })

  test("of failing alone are not followed by those of lag; who wants only these gets them", async () => {
    for (const [on, expected] of [
      [["failing", "lag"], ["failing answered 503"]],
      [["lag"], ["lag null"]],
    ] as const) {
      const { pipeline, billing, types } = await start({ alerts: { url, on } })
      billing.answer(down)
      await pipeline.log(one)
      await pipeline.advance("1 day")
      expect(types().map((text) => text.replace(/^\S+ /, ""))).toEqual(expected)
      await pipeline.close()
    }
  })

  test("say that the store is down, and back", async () => {
    const { pipeline, types, sent, lines } = await start()
    pipeline.failStore(true)
    expect((await pipeline.post({ events: [{ ...one, time: pipeline.now() }] })).status).toBe(503)
    await pipeline.advance("30 minutes")
    pipeline.failStore(false)
    await pipeline.advance("1 day")
    expect(types()).toEqual([
      "0.1 store-down the store is not reachable",
      expect.stringMatching(/^3[01](\.\d)? recovered store-down$/),
    ])
    expect(sent()[0]![1]).toMatchObject({ destination: null, waiting: null })
    expect(lines.map(({ message }) => message)).toEqual(
      expect.arrayContaining(["the store is down", "the store is back"]),
    )
    await pipeline.close()
  })

  test("of other types are not sent; onAlert gets them all the same", async () => {
    const { pipeline, alerts, called } = await start({ alerts: { url, on: ["failing"] } })
    await pipeline.disable("billing")
    await pipeline.advance("1 minute")
    expect(alerts.requests).toEqual([])
    expect(called).toMatchObject([{ type: "disabled", cause: "by hand" }])
    await pipeline.close()
  })

  test("go on from where another process has stopped", async () => {
    const { pipeline, billing, types } = await start()
    billing.answer(down)
    await pipeline.log(one)
    await pipeline.advance("1 hour")
    await pipeline.crash()
    await pipeline.restart()
    await pipeline.advance("1 hour")
    billing.answer(200)
    await pipeline.advance("1 hour")
    expect(types().map((text) => text.replace(/^\S+ /, ""))).toEqual([
      "failing answered 503",
      "recovered failing",
    ])
    await pipeline.close()
  })
})

describe("a receiver of alerts that is down", () => {
  test("delays nothing, is tried a few times, and what it does not get is told", async () => {
    const { pipeline, alerts, billing, warnings } = await start()
    alerts.answer("timeout")
    for (let n = 0; n < 105; n++) {
      await pipeline.disable("billing")
      await pipeline.enable("billing")
    }
    await pipeline.log(one)
    await pipeline.advance("2 seconds")
    expect(billing.events).toHaveLength(1)
    await pipeline.advance("3 days")
    // The first, and the hundred that may wait.
    expect(alerts.requests.length).toBeLessThanOrEqual(101 * 9)
    const tries = new Map<string, number>()
    for (const { headers } of alerts.requests) {
      const id = headers["webhook-id"]!
      tries.set(id, (tries.get(id) ?? 0) + 1)
    }
    expect(Math.max(...tries.values())).toBeGreaterThanOrEqual(9)
    expect(warnings()).toContain("an alert could not be sent")
    const requests = alerts.requests.length
    await pipeline.advance("3 days")
    expect(alerts.requests).toHaveLength(requests)
    await pipeline.close()
  })

  test("gets the alert later, once, by one id", async () => {
    const { pipeline, alerts, types } = await start()
    alerts.answer(500)
    await pipeline.disable("billing")
    await pipeline.advance("10 seconds")
    alerts.answer(200)
    await pipeline.advance("1 hour")
    expect(types().length).toBeGreaterThan(2)
    expect(new Set(alerts.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1)
    expect(alerts.requests.filter(({ status }) => status === 200)).toHaveLength(1)
    await pipeline.close()
  })
})

test("an onAlert that throws is told, and changes nothing", async () => {
  const { pipeline, alerts, warnings } = await start({
    onAlert: async () => {
      throw new Error("mine")
    },
  })
  await pipeline.disable("billing")
  await pipeline.advance("1 minute")
  expect(alerts.requests).toHaveLength(1)
  expect(warnings()).toContain("onAlert has failed")
  await pipeline.close()
})

test("mistakes in alerts are told with their paths", async () => {
  const options = { url: "ftp://x", on: ["burning"], lag: "1 second", extra: 1 }
  await expect(
    testPipeline({ alerts: options as unknown as NonNullable<TestPipelineOptions["alerts"]> }),
  ).rejects.toMatchObject({
    problems: expect.arrayContaining(
      ["alerts.url", "alerts.on[0]", "alerts.lag", "alerts.extra"].map((path) =>
        expect.objectContaining({ path }),
      ),
    ),
  })
  const headers = { authorization: { env: "NOT_SET_ANYWHERE" } }
  await expect(testPipeline({ alerts: { url, headers } })).rejects.toMatchObject({
    problems: [{ path: "alerts.headers.authorization" }],
  })
})
