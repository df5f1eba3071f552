import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Health } from "../src/Health.ts"

/** A server that answers or not, as the test says. */
const setUp = () => {
  const server = { answers: false, asked: 0 }
  const health = new Health(async () => {
    server.asked += 1
    if (!server.answers) throw new Error(`question ${server.asked}`)
  })
  return { server, health }
}

describe("the server's health", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("is not affected by a slow call to a server that answers", async () => {
    const { server, health } = setUp()
    server.answers = true
    health.doubt()
    expect(health.failure).toBeUndefined()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(health.failure).toBeUndefined()
    expect(server.asked).toBe(1)
  })

  it("is bad from when on the server does not answer until it does", async () => {
    const { server, health } = setUp()
    for (let outage = 0; outage < 2; outage++) {
      server.answers = false
      health.doubt()
      health.doubt()
      await vi.advanceTimersByTimeAsync(0)
      expect(health.failure).toMatchObject({ error: { message: expect.stringMatching(/^question/) } })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(health.failure).toBeDefined()
      server.answers = true
      await vi.advanceTimersByTimeAsync(1000)
      expect(health.failure).toBeUndefined()
    }
  })

  it("is bad at once without a server, which is asked ever less often, once a second at last", async () => {
    const { server, health } = setUp()
    health.fail(new Error("refused"), 0)
    expect(health.failure).toMatchObject({ error: { message: "refused" } })
    health.fail(new Error("refused again"), 0)
    await vi.advanceTimersByTimeAsync(2000)
    const before = server.asked
    expect(before).toBeGreaterThanOrEqual(5)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(server.asked - before).toBe(10)
  })

  it("is not what it was before the last answer", async () => {
    const { server, health } = setUp()
    const before = health.answers
    health.doubt()
    health.answered()
    await vi.advanceTimersByTimeAsync(0)
    expect(health.failure).toBeUndefined()
    health.fail(new Error("refused"), before)
    expect(health.failure).toBeUndefined()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(server.asked).toBe(1)
  })

  it("asks nothing any more once it is closed", async () => {
    const { server, health } = setUp()
    health.fail(new Error("refused"), 0)
    health.close()
    health.doubt()
    health.fail(new Error("refused"), 0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.asked).toBe(0)
  })
})
