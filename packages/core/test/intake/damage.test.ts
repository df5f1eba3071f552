import { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import { makeDamage } from "../../src/intake/damage.ts"

const because = (tag: "Corrupt" | "Unavailable") =>
  new StoreError({ reason: { _tag: tag }, message: `it is ${tag}` })

const run = <A>(effect: Effect.Effect<A>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, TestClock.layer()))

test("is told until an append succeeds, or until it is time that a probe decides", async () => {
  const told = await run(
    Effect.gen(function* () {
      const damage = makeDamage()
      const found: Array<StoreError | null> = []
      const look = Effect.map(damage.current, (error) => void found.push(error))
      yield* damage.note(because("Corrupt"))
      yield* look
      damage.forget()
      yield* look
      yield* damage.note(because("Corrupt"))
      yield* TestClock.adjust("9 seconds")
      yield* look
      yield* TestClock.adjust("1 second")
      yield* look
      return found.map((error) => error?.reason._tag ?? null)
    }),
  )
  expect(told).toEqual(["Corrupt", null, "Corrupt", null])
})

test("is none when it may pass by itself", async () => {
  const damage = makeDamage()
  await run(damage.note(because("Unavailable")))
  expect(await run(damage.current)).toBeNull()
})
