import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expect, it } from "vitest"
import { Turns } from "../src/Turns.ts"

const clock = Effect.runSync(Clock.Clock)

it("waits for nobody while nobody else writes", async () => {
  const turns = new Turns(clock)
  await Effect.runPromise(turns.wait)
  turns.wrote(1000)
  await Effect.runPromise(turns.wait)
})

it("lets those go first who wrote between its last two writes", async () => {
  const turns = new Turns(clock)
  turns.hear("a")
  turns.hear("b")
  turns.wrote(1000)
  const order: Array<string> = []
  const turn = Effect.runFork(
    Effect.tap(
      turns.wait,
      Effect.sync(() => order.push("own")),
    ),
  )
  for (const other of ["b", "b", "a"]) {
    await new Promise((resolve) => setImmediate(resolve))
    order.push(other)
    turns.hear(other)
  }
  await Effect.runPromise(Fiber.join(turn))
  expect(order).toEqual(["b", "b", "a", "own"])
})

it("does not wait for ever for one that has ended, and then no more", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const turns = new Turns(yield* Clock.Clock)
      turns.hear("ended")
      turns.wrote(100)
      const turn = yield* Effect.forkChild(turns.wait, { startImmediately: true })
      yield* TestClock.adjust(599)
      expect(turn.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      yield* Fiber.join(turn)
      turns.wrote(1000)
      expect(Effect.runSyncExit(turns.wait)._tag).toBe("Success")
    }).pipe(Effect.provide(TestClock.layer())),
  ))

it("lets one that asks for it write in peace", async () => {
  const turns = new Turns(clock)
  turns.yieldTo("large", 60_000)
  const order: Array<string> = []
  const turn = Effect.runFork(
    Effect.tap(
      turns.wait,
      Effect.sync(() => order.push("own")),
    ),
  )
  for (const other of ["small", "large"]) {
    await new Promise((resolve) => setImmediate(resolve))
    order.push(other)
    turns.hear(other)
  }
  await Effect.runPromise(Fiber.join(turn))
  expect(order).toEqual(["small", "large", "own"])
  turns.yieldTo("ended", 0)
  await Effect.runPromise(turns.wait)
})
