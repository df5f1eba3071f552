import { StoreError } from "@millrace/core"
import { HeadWatch, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const interval = 500

const closed = new StoreError({ reason: { _tag: "Closed" }, message: "closed" })

/** How each of those who wait has ended so far; `undefined` for who still waits. */
const endings = (fibers: ReadonlyArray<Fiber.Fiber<void, StoreError>>) =>
  fibers.map((fiber) => fiber.pollUnsafe())

describe("a watched head", () => {
  it("lets go on who waits for less than is known, and nobody else, whoever comes first", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom("wait", "advance"), fc.nat({ max: 20 }))),
        async (steps) => {
          const head = new HeadWatch<Position.Position>(Position.origin)
          const waiting: Array<{ readonly after: number; readonly fiber: Fiber.Fiber<void, StoreError> }> = []
          let known = 0
          for (const [step, number] of steps) {
            const position = Position.fromNumber(number)
            if (step === "wait") waiting.push({ after: number, fiber: Effect.runFork(head.wait(position)) })
            else {
              head.advance(position)
              known = Math.max(known, number)
            }
            await Promise.resolve()
          }
          await Effect.runPromise(Effect.yieldNow)
          const ended = endings(waiting.map(({ fiber }) => fiber))
          expect(ended.map((ending) => ending !== undefined)).toEqual(
            waiting.map(({ after }) => after < known),
          )
          head.fail(Effect.fail(closed))
          await Effect.runPromise(Effect.forEach(waiting, ({ fiber }) => Fiber.await(fiber)))
          expect(endings(waiting.map(({ fiber }) => fiber))).toEqual(
            waiting.map(({ after }) => (after < known ? Exit.void : Exit.fail(closed))),
          )
        },
      ),
    ))

  it("wakes who waits anywhere but at the end that the log has come back with", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const head = new HeadWatch<number>(9)
        const places = [9, 12, 15]
        const waiting = yield* Effect.forEach(places, (after) =>
          Effect.forkChild(head.wait(after), { startImmediately: true }),
        )
        head.fallBack(12)
        yield* Effect.yieldNow
        expect(endings(waiting).map((ending) => ending !== undefined)).toEqual([true, false, true])
        head.fallBack(5)
        yield* Fiber.joinAll(waiting)
        expect(head.isAwaited).toBe(false)
      }),
    ))

  it("lets who is failed, or woken from behind its end, wait again at once", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const head = new HeadWatch<number>(9)
        let ended = 0
        const again: Effect.Effect<void> = Effect.suspend(() =>
          Effect.andThen(Effect.ignore(head.wait(9)), () => {
            ended += 1
            return ended < 100 ? again : Effect.void
          }),
        )
        const fiber = yield* Effect.forkChild(again, { startImmediately: true })
        head.fail(Effect.fail(closed))
        head.fallBack(3)
        expect(ended).toBe(2)
        yield* Fiber.interrupt(fiber)
      }),
    ))

  it("looks for it by Effect's clock, and only while somebody waits", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        let looks = 0
        const head = new HeadWatch(Position.origin)
        const looking = head.looking(
          Effect.sync(() => looks++),
          interval,
        )
        yield* Effect.forkScoped(looking)
        yield* TestClock.adjust(10 * interval)
        expect(looks).toBe(0)

        const first = yield* Effect.forkChild(head.wait(Position.origin), { startImmediately: true })
        const second = yield* Effect.forkChild(head.wait(Position.fromNumber(1)), { startImmediately: true })
        yield* TestClock.adjust(3 * interval)
        expect(looks).toBe(3)

        head.advance(Position.fromNumber(1))
        yield* Fiber.join(first)
        yield* TestClock.adjust(interval)
        expect(looks).toBe(4)

        yield* Fiber.interrupt(second)
        yield* TestClock.adjust(10 * interval)
        expect(looks).toBe(4)
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer())),
    ))
})
