import { EventLog, Store, StoreError, type StoreReason } from "@millrace/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import { waitForStore } from "../src/waitForStore.ts"

/** A store that fails so often, and what is known of its attempts. */
const makeStore = (failures: number, reason: StoreReason = { _tag: "Unavailable" }) => {
  const seen = { attempts: 0, open: 0 }
  const opening = Layer.effectContext(
    Effect.gen(function* () {
      seen.attempts += 1
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          seen.open += 1
        }),
        () =>
          Effect.sync(() => {
            seen.open -= 1
          }),
      )
      if (seen.attempts <= failures) return yield* new StoreError({ reason, message: "not yet" })
      return yield* Layer.build(Store.layerMemory())
    }),
  )
  return { seen, opening }
}

/** Waits for a minute on a virtual clock. */
const run = (opening: Layer.Layer<Store.Store, StoreError>, lines: Array<string> = []) =>
  Effect.gen(function* () {
    const waiting = yield* Effect.forkChild(
      Effect.result(waitForStore(opening, { patience: 60_000, name: "redis://store" })),
      { startImmediately: true },
    )
    yield* TestClock.adjust("2 minutes")
    return yield* Fiber.join(waiting)
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(
        TestClock.layer(),
        Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]),
      ),
    ),
    Effect.runPromise,
  )

test("a store that can be used later is opened then, and that it is waited for is said once", async () => {
  const { seen, opening } = makeStore(5)
  const lines: Array<string> = []
  const found = await run(opening, lines)
  expect(found._tag).toBe("Success")
  if (found._tag === "Success") expect(Context.get(found.success, EventLog.EventLog).partitions).toBe(1)
  expect(seen.attempts).toBe(6)
  expect(lines).toEqual(["the store cannot be used yet, and is waited for"])
})

test("nothing is left open of attempts that failed", async () => {
  const { seen, opening } = makeStore(Number.POSITIVE_INFINITY)
  expect(await run(opening)).toMatchObject({ _tag: "Failure", failure: { message: "not yet" } })
  expect(seen).toMatchObject({ open: 0 })
  // For a minute, each two seconds at the most.
  expect(seen.attempts).toBeGreaterThanOrEqual(30)
  expect(seen.attempts).toBeLessThan(60)
})

test("what does not pass is not waited for", async () => {
  for (const _tag of ["Corrupt", "Incompatible"] as const) {
    const { seen, opening } = makeStore(1, { _tag })
    expect(await run(opening)).toMatchObject({ _tag: "Failure" })
    expect(seen).toEqual({ attempts: 1, open: 0 })
  }
})
