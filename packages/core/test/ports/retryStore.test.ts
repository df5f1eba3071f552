import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import { retryStore } from "../../src/ports/retryStore.ts"
import { StoreError, type StoreReason } from "../../src/ports/StoreError.ts"

const failing = (reason: StoreReason) => new StoreError({ reason, message: "no" })

test("what a store cannot do now is tried again after 100 ms, ever later up to 5 s, for as long as that takes", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const triedAt: Array<number> = []
      const tries = Effect.gen(function* () {
        triedAt.push(yield* Clock.currentTimeMillis)
        return triedAt.length < 1_000 ? yield* failing({ _tag: "Unavailable" }) : "done"
      })
      const began = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(retryStore(tries))
      yield* TestClock.adjust("2 hours")
      expect(yield* Fiber.join(fiber)).toBe("done")
      const pauses = triedAt.map((at, turn) => at - (triedAt[turn - 1] ?? began))
      expect(pauses.slice(0, 9)).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
      expect(new Set(pauses.slice(9))).toEqual(new Set([5_000]))
    }).pipe(Effect.provide(TestClock.layer())),
  ))

test.each<StoreReason["_tag"]>(["Corrupt", "Closed"])(
  "what a store says does not pass is not tried again: %s",
  async (_tag) => {
    let tries = 0
    const error = failing({ _tag } as StoreReason)
    const exit = await Effect.runPromiseExit(
      retryStore(
        Effect.suspend(() => {
          tries += 1
          return Effect.fail(error)
        }),
      ),
    )
    expect(exit).toEqual(Exit.fail(error))
    expect(tries).toBe(1)
  },
)
