import { describe, expect, test } from "vitest"
import { hook, start } from "../support/views.ts"

describe("an attempt", () => {
  test("shows its events as they would leave, without what the filter leaves out", async () => {
    const destination = { ...hook, batch: { maxEvents: 3 }, filter: { exclude: ["debug_*"] } }
    const pipeline = await start({ destinations: [destination] })
    await pipeline.log({ eventName: "a" }, { eventName: "debug_1" }, { eventName: "b" })
    await pipeline.log({ eventName: "debug_2" })
    await pipeline.log({ eventName: "c" }, { eventName: "d" })
    await pipeline.advance("1 minute")
    const sent = pipeline.receiver("hook").requests.map(({ body }) => JSON.parse(String(body)))
    expect(sent.map((events) => events.length)).toEqual([3, 1])
    const attempts = [...(await pipeline.attempts())].reverse()
    for (const [index, attempt] of attempts.entries()) {
      const detail = await pipeline.attempt(attempt)
      expect(detail.attempt).toEqual(attempt)
      expect(detail.request?.headers).toEqual({ "webhook-id": attempt.webhookId })
      expect(detail.request?.events).toBe(attempt.events)
      expect(JSON.parse(detail.request!.body)).toEqual(sent[index])
    }
  })

  test("of several of one batch is the one that began then", async () => {
    const pipeline = await start()
    pipeline.receiver("hook").answer(503)
    await pipeline.log({ eventName: "a" })
    await pipeline.advance("1 minute")
    const attempts = await pipeline.attempts()
    expect(attempts.length).toBeGreaterThan(1)
    for (const attempt of attempts) expect((await pipeline.attempt(attempt)).attempt).toEqual(attempt)
  })

  test("shows the beginning of a large batch", async () => {
    const pipeline = await start()
    const metadata = { text: "x".repeat(10_000) }
    await pipeline.log(...Array.from({ length: 20 }, () => ({ eventName: "a", metadata })))
    await pipeline.advance("1 minute")
    const [attempt] = await pipeline.attempts()
    const { request } = await pipeline.attempt(attempt!)
    expect(attempt!.events).toBe(20)
    expect(request!.events).toBe(7)
    expect(JSON.parse(request!.body)).toHaveLength(7)
  })

  test("that nobody has made is not on record", async () => {
    const pipeline = await start()
    const unknown = { destination: "hook", webhookId: "msg_none", startedAt: 0 }
    await expect(pipeline.attempt(unknown)).rejects.toMatchObject({ _tag: "UnknownAttempt" })
  })
})
