import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, it } from "vitest"
import { Turns } from "../src/Turns.ts"

it("waits for nobody while nobody else writes", async () => {
  const turns = new Turns()
  await Effect.runPromise(turns.wait)
  turns.wrote(1000)
  await Effect.runPromise(turns.wait)
})

it("lets those go first who wrote between its last two writes", async () => {
  const turns = new Turns()
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

it("does not wait for ever for one that has ended, and then no more", async () => {
  const turns = new Turns()
  turns.hear("ended")
  turns.wrote(0)
  await Effect.runPromise(turns.wait)
  turns.wrote(1000)
  expect(Effect.runSyncExit(turns.wait)._tag).toBe("Success")
})

it("lets one that asks for it write in peace", async () => {
  const turns = new Turns()
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
