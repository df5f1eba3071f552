import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { makeDedupe, maxRemembered } from "../../src/intake/dedupe.ts"
import { now, run } from "../support/intake.ts"

const counted = () => {
  let runs = 0
  return { first: Effect.sync(() => void runs++), runs: () => runs }
}

describe("makeDedupe", () => {
  it("remembers a success until the window has passed since it ended", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<never>(1000)
        const { first, runs } = counted()
        expect(yield* share("a", Effect.andThen(first, Effect.void))).toBe(false)
        yield* TestClock.adjust(999)
        expect(yield* share("a", first)).toBe(true)
        yield* TestClock.adjust(1)
        expect(yield* share("a", first)).toBe(false)
        yield* TestClock.adjust(999)
        expect(yield* share("a", first)).toBe(true)
        expect(runs()).toBe(2)
      }),
    ))

  it("counts the window from the end of the first, however long it took", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<never>(1000)
        const slow = yield* Effect.forkChild(share("a", Effect.sleep(5000)), { startImmediately: true })
        yield* TestClock.adjust(5000)
        expect(yield* Fiber.join(slow)).toBe(false)
        yield* TestClock.adjust(999)
        expect(yield* share("a", Effect.die("not run"))).toBe(true)
      }),
    ))

  const concurrent = Effect.fnUntraced(function* (outcome: Exit.Exit<void, string>) {
    const { share } = makeDedupe<string>(1000)
    const gate = yield* Deferred.make<void, string>()
    const first = yield* Effect.forkChild(share("a", Deferred.await(gate)), { startImmediately: true })
    const second = yield* Effect.forkChild(share("a", Effect.die("not run")), { startImmediately: true })
    expect(yield* share("b", Effect.void)).toBe(false)
    yield* Deferred.done(gate, outcome)
    return {
      first: yield* Effect.exit(Fiber.join(first)),
      second: yield* Effect.exit(Fiber.join(second)),
      later: yield* share("a", Effect.void),
    }
  })

  it("lets concurrent ones wait for the first and succeed with it", () =>
    run(
      Effect.gen(function* () {
        expect(yield* concurrent(Exit.void)).toEqual({
          first: Exit.succeed(false),
          second: Exit.succeed(true),
          later: true,
        })
      }),
    ))

  it("lets concurrent ones wait for the first and fail with it", () =>
    run(
      Effect.gen(function* () {
        expect(yield* concurrent(Exit.fail("store down"))).toEqual({
          first: Exit.fail("store down"),
          second: Exit.fail("store down"),
          later: false,
        })
      }),
    ))

  it("forgets failures and defects at once", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<string>(1000)
        yield* Effect.exit(share("a", Effect.fail("down")))
        yield* Effect.exit(share("a", Effect.die("bug")))
        expect(yield* share("a", Effect.void)).toBe(false)
      }),
    ))

  it("keeps the newest when there are too many", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<never>(1000)
        for (let index = 0; index <= maxRemembered; index++) yield* share(String(index), Effect.void)
        expect(yield* share("1", Effect.void)).toBe(true)
        expect(yield* share(String(maxRemembered), Effect.void)).toBe(true)
        expect(yield* share("0", Effect.void)).toBe(false)
      }),
    ))

  it("takes one that ended again for a new one", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<never>(1000)
        yield* share("a", Effect.void)
        yield* TestClock.adjust(500)
        yield* share("b", Effect.void)
        yield* TestClock.adjust(500)
        expect(yield* share("a", Effect.void)).toBe(false)
        for (let index = 0; index < maxRemembered - 1; index++) yield* share(String(index), Effect.void)
        expect(yield* share("a", Effect.void)).toBe(true)
        expect(yield* share("b", Effect.void)).toBe(false)
      }),
    ))

  it("rather stores twice than waits for a clock that was set back", () =>
    run(
      Effect.gen(function* () {
        const { share } = makeDedupe<never>(1000)
        yield* share("a", Effect.void)
        yield* TestClock.setTime(now - 3_600_000)
        expect(yield* share("a", Effect.void)).toBe(false)
        expect(yield* share("a", Effect.void)).toBe(true)
      }),
    ))
})
