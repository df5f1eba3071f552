import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expect, it } from "vitest"
import { quietSleep } from "../../src/base/quietSleep.ts"

/** Timers for which Node would wait before it exits. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

it("does not keep Node alive, unlike another sleep", () => {
  const before = timers()
  const quiet = Effect.runFork(quietSleep("1 hour"))
  expect(timers()).toBe(before)
  const other = Effect.runFork(Effect.sleep("1 hour"))
  expect(timers()).toBe(before + 1)
  quiet.interruptUnsafe()
  other.interruptUnsafe()
})

it("wakes by the system's clock", () => Effect.runPromise(quietSleep(1)))

it("goes by a clock that is provided", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const sleeping = yield* Effect.forkChild(quietSleep("30 days"), { startImmediately: true })
      yield* TestClock.adjust("29 days")
      expect(sleeping.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 day")
      yield* Fiber.join(sleeping)
    }).pipe(Effect.provide(TestClock.layer())),
  ))
