import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { Health } from "../src/Health.ts"

const run = (body: Effect.Effect<void, unknown, Scope.Scope>) =>
  Effect.runPromise(Effect.provide(Effect.scoped(body), TestClock.layer()))

/** A server that answers or not, as the test says. */
const setUp = Effect.gen(function* () {
  const server = { answers: false, asked: 0 }
  const health = new Health()
  const ask = Effect.suspend(() => {
    server.asked += 1
    const failure = Effect.fail(new Error(`question ${server.asked}`))
    return Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => (server.answers ? Effect.void : failure)),
    )
  })
  const watching = yield* Effect.forkScoped(health.watching(ask), { startImmediately: true })
  return { server, health, watching }
})

describe("the server's health", () => {
  it("is not affected by a slow call to a server that answers", () =>
    run(
      Effect.gen(function* () {
        const { server, health } = yield* setUp
        server.answers = true
        health.doubt()
        expect(health.failure).toBeUndefined()
        yield* TestClock.adjust(10_000)
        expect(health.failure).toBeUndefined()
        expect(server.asked).toBe(1)
      }),
    ))

  it("is bad from when on the server does not answer until it does", () =>
    run(
      Effect.gen(function* () {
        const { server, health } = yield* setUp
        for (let outage = 0; outage < 2; outage++) {
          server.answers = false
          health.doubt()
          health.doubt()
          yield* TestClock.adjust(0)
          expect(health.failure).toMatchObject({ error: { message: expect.stringMatching(/^question/) } })
          yield* TestClock.adjust(60_000)
          expect(health.failure).toBeDefined()
          server.answers = true
          yield* TestClock.adjust(1000)
          expect(health.failure).toBeUndefined()
        }
      }),
    ))

  it("is bad at once without a server, which is asked ever less often, once a second at last", () =>
    run(
      Effect.gen(function* () {
        const { server, health } = yield* setUp
        health.fail(new Error("refused"), 0)
        expect(health.failure).toMatchObject({ error: { message: "refused" } })
        health.fail(new Error("refused again"), 0)
        yield* TestClock.adjust(2000)
        const before = server.asked
        expect(before).toBeGreaterThanOrEqual(5)
        yield* TestClock.adjust(10_000)
        expect(server.asked - before).toBe(10)
      }),
    ))

  it("is not what it was before the last answer", () =>
    run(
      Effect.gen(function* () {
        const { server, health } = yield* setUp
        const before = health.answers
        health.doubt()
        health.answered()
        yield* TestClock.adjust(0)
        expect(health.failure).toBeUndefined()
        health.fail(new Error("refused"), before)
        expect(health.failure).toBeUndefined()
        yield* TestClock.adjust(10_000)
        expect(server.asked).toBe(1)
      }),
    ))

  it("asks nothing any more once it is closed", () =>
    run(
      Effect.gen(function* () {
        const { server, health, watching } = yield* setUp
        health.fail(new Error("refused"), 0)
        yield* Fiber.interrupt(watching)
        health.doubt()
        health.fail(new Error("refused"), 0)
        yield* TestClock.adjust(60_000)
        expect(server.asked).toBe(0)
      }),
    ))
})
