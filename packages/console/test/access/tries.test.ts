import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import * as Tries from "../../src/access/tries.ts"

const run = <A>(effect: Effect.Effect<A>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.andThen(TestClock.setTime(1_000_000), effect), TestClock.layer()))

test("an address has five a minute, and the next one when the first is a minute old", () =>
  run(
    Effect.gen(function* () {
      const tries = Tries.make()
      for (let n = 0; n < 5; n++) {
        expect(yield* tries.wait("10.0.0.1")).toBe(0)
        yield* tries.failed("10.0.0.1")
        yield* TestClock.adjust("10 seconds")
      }
      expect(yield* tries.wait("10.0.0.1")).toBe(10_000)
      expect(yield* tries.wait("10.0.0.2")).toBe(0)
      yield* TestClock.adjust("10 seconds")
      expect(yield* tries.wait("10.0.0.1")).toBe(0)
      yield* tries.failed("10.0.0.1")
      expect(yield* tries.wait("10.0.0.1")).toBe(10_000)
    }),
  ))

test("all together have fifty", () =>
  run(
    Effect.gen(function* () {
      const tries = Tries.make()
      for (let n = 0; n < 50; n++) {
        expect(yield* tries.wait(`10.0.1.${n}`)).toBe(0)
        yield* tries.failed(`10.0.1.${n}`)
      }
      expect(yield* tries.wait("10.0.2.1")).toBe(60_000)
      yield* TestClock.adjust("1 minute")
      expect(yield* tries.wait("10.0.2.1")).toBe(0)
    }),
  ))

test("a clock that is put back locks nobody out", () =>
  run(
    Effect.gen(function* () {
      const tries = Tries.make()
      for (let n = 0; n < 5; n++) yield* tries.failed("10.0.0.1")
      yield* TestClock.setTime(1000)
      expect(yield* tries.wait("10.0.0.1")).toBe(0)
    }),
  ))

test.each([
  ["10.0.0.1", "10.0.0.1"],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
  ["2001:db8:1:2::1", "2001:db8:1:2::"],
  ["fe80::1%eth0", "fe80::"],
  ["", ""],
])("tries from %s count for %s", (address, source) => {
  expect(Tries.sourceOf(address)).toBe(source)
})
