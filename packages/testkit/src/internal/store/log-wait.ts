import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { expect } from "vitest"
import { all, appendOne, entries, entry, never } from "./entries.ts"
import type { Ports, Suite } from "./suite.ts"

/** Forks a wait, and gives it the time of some round trips to the store. */
const pending = (log: Ports["log"], after: Position.Position) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(log.wait(0, after), { startImmediately: true })
    for (let trip = 0; trip < 3; trip++) yield* log.bounds(0)
    return fiber
  })

export const waiting = ({ check }: Suite): void => {
  check("returns at once when there is an entry", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const [first, second] = yield* log.append(entries(1, 2))
      yield* log.wait(0, Position.origin)
      yield* log.wait(0, first ?? Position.origin)
      yield* log.trim(0, second ?? Position.origin, never)
      yield* log.wait(0, Position.origin)
    }),
  )

  check("returns when one arrives, for everybody who waits", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const first = yield* appendOne(log, entry(1))
      const fibers = yield* Effect.all(Array.from({ length: 10 }, () => pending(log, first)))
      expect(fibers.map((fiber) => fiber.pollUnsafe())).toEqual(fibers.map(() => undefined))
      yield* log.append([entry(2)])
      yield* Fiber.joinAll(fibers)
    }),
  )

  check("is not woken by an entry the log knows already, nor by a trim", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const first = yield* appendOne(log, entry(1))
      const fiber = yield* pending(log, first)
      yield* log.append([entry(1)])
      yield* log.trim(0, first, never)
      yield* log.bounds(0)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* log.append([entry(2)])
      yield* Fiber.join(fiber)
    }),
  )

  check("can be interrupted, and the log goes on", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      for (let round = 0; round < 50; round++) {
        const fiber = yield* Effect.forkChild(log.wait(0, Position.origin), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        expect(Exit.hasInterrupts(yield* Fiber.await(fiber))).toBe(true)
      }
      const fiber = yield* pending(log, Position.origin)
      yield* log.append([entry(1)])
      yield* Fiber.join(fiber)
    }),
  )

  check("misses nothing between a read and the wait", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const count = 300
      const reader = yield* Effect.forkChild(
        Effect.gen(function* () {
          let after = Position.origin
          for (let seen = 0; seen < count; ) {
            const page = yield* log.read(0, after, all)
            seen += page.length
            after = page.at(-1)?.position ?? after
            // At the head one more often than not: the next append races with this.
            if (seen < count) yield* log.wait(0, after)
          }
        }),
        { startImmediately: true },
      )
      for (let number = 0; number < count; number++) {
        yield* log.append([entry(number)])
        yield* Effect.yieldNow
      }
      yield* Fiber.join(reader)
    }),
  )

  check("fails when the store is closed, as everything does from then on", (open) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { log, cursors, deadLetters, counters } = yield* Scope.provide(open(), scope)
      yield* log.append([entry(1)])
      const { epoch } = yield* cursors.acquire("a/0")
      const { head } = yield* log.bounds(0)
      const waiter = yield* pending(log, head)
      yield* Scope.close(scope, Exit.void)

      const record = { position: head, index: 0, state: "" }
      for (const used of [
        Fiber.join(waiter),
        log.append([entry(2)]),
        log.read(0, Position.origin, all),
        log.wait(0, head),
        log.bounds(0),
        cursors.save([{ name: "a/0", epoch, record }]),
        cursors.list,
        deadLetters.count,
        counters.list(0, never),
      ]) {
        const error = yield* Effect.flip(Effect.asVoid(used))
        expect(error.reason._tag).toBe("Closed")
      }
    }),
  )
}
