import { StoreError } from "@millrace/core"
import { KnownHead, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"

const interval = 500

const closed = new StoreError({ reason: { _tag: "Closed" }, message: "closed" })

/** How each of those who wait has ended so far; `undefined` for who still waits. */
const endings = (fibers: ReadonlyArray<Fiber.Fiber<void, StoreError>>) =>
  fibers.map((fiber) => fiber.pollUnsafe())

describe("a known head", () => {
  it("lets go on who waits for less than is known, and nobody else, whoever comes first", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom("wait", "advance"), fc.nat({ max: 20 }))),
        async (steps) => {
          const head = new KnownHead(() => {}, interval)
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
          head.close(closed)
          await Effect.runPromise(Effect.forEach(waiting, ({ fiber }) => Fiber.await(fiber)))
          expect(endings(waiting.map(({ fiber }) => fiber))).toEqual(
            waiting.map(({ after }) => (after < known ? Exit.void : Exit.fail(closed))),
          )
        },
      ),
    ))

  describe("asks for the head", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it("only while somebody waits", async () => {
      const poll = vi.fn()
      const head = new KnownHead(poll, interval)
      vi.advanceTimersByTime(10 * interval)
      expect(poll).not.toHaveBeenCalled()

      const first = Effect.runFork(head.wait(Position.origin))
      const second = Effect.runFork(head.wait(Position.fromNumber(1)))
      vi.advanceTimersByTime(3 * interval)
      expect(poll).toHaveBeenCalledTimes(3)

      head.advance(Position.fromNumber(1))
      await Effect.runPromise(Fiber.join(first))
      vi.advanceTimersByTime(interval)
      expect(poll).toHaveBeenCalledTimes(4)

      await Effect.runPromise(Fiber.interrupt(second))
      vi.advanceTimersByTime(10 * interval)
      expect(poll).toHaveBeenCalledTimes(4)
    })
  })
})
