import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, describe, expect, test } from "vitest"

const secret = `whsec_${btoa("k".repeat(32))}`

const configured = {
  id: "configured",
  url: "https://configured.test/hook",
  headers: { authorization: "Bearer token-of-receiver", "x-plain": "plain-value" },
  signing: { standardWebhooks: [secret] },
}

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [configured] })
})
afterEach(() => pipeline.close())

const receiver = (id = "configured") => pipeline.receiver(id)

describe("a test delivery", () => {
  test("sends one event that says that it is a test, signed as any", async () => {
    const delivery = await pipeline.testDestination({ id: "configured" })
    expect(delivery).toMatchObject({
      ...{ outcome: "delivered", status: 200, error: null, duration: 0 },
      advice: "It answers 200: events are delivered here.",
    })
    const [request] = receiver().requests
    expect(receiver().requests).toHaveLength(1)
    expect(request?.events).toMatchObject([{ eventName: "millrace_test", metadata: { test: "true" } }])
    expect(request?.headers).toMatchObject({
      authorization: "Bearer token-of-receiver",
      "webhook-id": expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      "webhook-signature": expect.stringMatching(/^v1,/),
    })
    expect(delivery.request.body).toBe(request?.body)
  })

  test("is counted nowhere, and leaves nothing", async () => {
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("10 seconds")
    const before = [await pipeline.destinations(), await pipeline.attempts()]
    for (const status of [200, 503, 422, 410]) {
      receiver().answer(status)
      expect(await pipeline.testDestination({ id: "configured" })).toMatchObject({ status })
    }
    await pipeline.advance("1 minute")
    expect([await pipeline.destinations(), await pipeline.attempts()]).toEqual(before)
    expect(await pipeline.deadLetters()).toEqual([])
    receiver().answer(200)
    await pipeline.log({ eventName: "b" })
    await pipeline.advance("2 seconds")
    expect(receiver().events.at(-1)?.eventName).toBe("b")
  })

  test("is made once, whatever comes of it, and never waits for what else is sent", async () => {
    receiver().answer(503)
    await pipeline.log(...Array.from({ length: 100 }, (_, at) => ({ eventName: `e${at}` })))
    await pipeline.advance("6 hours")
    const before = receiver().requests.length
    expect(await pipeline.testDestination({ id: "configured" })).toMatchObject({
      ...{ outcome: "not-now", status: 503, error: "answered 503" },
      advice: "It answers 503: it is down or busy. Events wait until it answers 2xx.",
    })
    expect(receiver().requests).toHaveLength(before + 1)
  })

  test("shows no secret, in what was sent and in what came back", async () => {
    receiver().answer({ status: 400, body: "unknown token-of-receiver, plain-value" })
    const delivery = await pipeline.testDestination({ id: "configured" })
    expect(delivery.request.headers).toMatchObject({
      ...{ authorization: "•••", "x-plain": "•••", "content-type": "application/json" },
      "webhook-signature": expect.stringMatching(/^v1,/),
    })
    expect(delivery.body).toBe("unknown ***, ***")
    expect(JSON.stringify(delivery)).not.toMatch(/token-of-receiver|plain-value/)
    expect(JSON.stringify(delivery)).not.toContain(secret.slice(6))
  })

  test("goes to one that is not added yet, and adds nothing", async () => {
    const destination = { id: "new", url: "https://new.test/hook", compress: "gzip" as const }
    receiver(destination.url).answer(401)
    expect(await pipeline.testDestination({ destination })).toMatchObject({
      ...{ outcome: "misconfigured", status: 401 },
      advice: "It answers 401: is the receiver's key missing? Add it to headers.",
      request: { headers: { "content-encoding": "gzip" }, body: expect.stringContaining("millrace_test") },
    })
    expect((await pipeline.destinations()).map(({ id }) => id)).toEqual(["configured"])
  })

  test("goes to one as it would be, with secrets that nobody has to know", async () => {
    await pipeline.addDestination({ ...configured, id: "added", url: "https://added.test/hook" })
    const destination = {
      url: "https://added.test/other",
      headers: { authorization: "•••" },
    } as never
    await pipeline.testDestination({ id: "added", destination })
    const [request] = receiver("added").requests
    expect(request?.headers["authorization"]).toBe("Bearer token-of-receiver")
    expect(request?.headers["webhook-signature"]).toMatch(/^v1,/)
    expect(request?.headers["x-plain"]).toBeUndefined()
    expect(await pipeline.destination("added")).toMatchObject({ config: { url: "https://added.test/hook" } })
  })

  test("says in words that nothing came back", async () => {
    receiver().answer("timeout")
    const testing = pipeline.testDestination({ id: "configured" })
    await pipeline.advance("30 seconds")
    expect(await testing).toMatchObject({ outcome: "not-now", status: null, duration: 30_000 })
    expect((await testing).advice).toContain("Nothing was answered within 30 s.")
  })

  test("says all that is wrong with a destination", async () => {
    const destination = { id: "x y", url: "ftp://a" } as never
    await expect(pipeline.testDestination({ destination })).rejects.toMatchObject({
      problems: [{ path: "id" }, { path: "url" }],
    })
    await expect(pipeline.testDestination({})).rejects.toMatchObject({ _tag: "InvalidOptions" })
    await expect(pipeline.testDestination({ id: "nobody" })).rejects.toMatchObject({
      _tag: "UnknownDestination",
    })
  })

  test("is changed by the destination's code as any event, or says that it fails", async () => {
    await pipeline.close()
    await pipeline.restart({
      destinations: [{ ...configured, transform: (event) => ({ ...event, eventName: "changed" }) }],
    })
    expect((await pipeline.testDestination({ id: "configured" })).request.body).toContain("changed")
    await pipeline.close()
    const failing = () => {
      throw new Error("no")
    }
    await pipeline.restart({ destinations: [{ ...configured, transform: failing }] })
    await expect(pipeline.testDestination({ id: "configured" })).rejects.toMatchObject({
      problems: [{ path: "transform" }],
    })
  })
})
