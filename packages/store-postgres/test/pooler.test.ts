import { Position } from "@millrace/core/store"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { describe, expect, it, onTestFinished } from "vitest"
import { pgbouncer, startPgbouncer } from "./support/pgbouncer.ts"
import { entry, follow, freshOptions, idOf, open, run } from "./support/store.ts"

const perAppender = 40
const appenders = 8

const throughPooler = async (path: string): Promise<void> => {
  const pooler = await startPgbouncer(path)
  onTestFinished(pooler.stop)
  const options = { ...freshOptions(), url: pooler.url }
  await run(
    Effect.gen(function* () {
      const openings = yield* Effect.all([open(options), open(options)], { concurrency: "unbounded" })
      const [one, other] = openings
      const follower = yield* Effect.forkChild(follow(one.log, appenders * perAppender))
      const positions = yield* Effect.forEach(
        Array.from({ length: appenders }, (_, appender) => appender * perAppender),
        (first) =>
          Effect.forEach(
            Array.from({ length: perAppender }, (_, index) => first + index),
            (number) => openings[number % 2]!.log.append([entry(number)]),
          ),
        { concurrency: "unbounded" },
      )
      const followed = yield* Fiber.join(follower)
      expect(followed.map(({ position }) => Position.parse(position)?.number)).toEqual(
        Array.from({ length: appenders * perAppender }, (_, index) => index + 1),
      )
      expect(new Map(followed.map(({ id, position }) => [id, position]))).toEqual(
        new Map(positions.flat(2).map((position, number) => [idOf(number), position])),
      )

      const { epoch } = yield* one.cursors.acquire("a/0")
      const record = { position: followed[0]!.position, index: 1, state: "s" }
      expect(yield* one.cursors.save([{ name: "a/0", epoch, record }])).toEqual(["saved"])
      const taken = yield* other.cursors.acquire("a/0")
      expect(taken.record).toEqual(record)
      expect(yield* one.cursors.save([{ name: "a/0", epoch, record }])).toEqual(["fenced"])
      expect(yield* one.members.beat("a", 60_000)).toEqual(["a"])
      expect(yield* other.members.beat("b", 60_000)).toEqual(["a", "b"])

      // No notification comes through: who waits looks by itself.
      const { head } = yield* other.log.bounds(0)
      const waiter = yield* Effect.forkChild(other.log.wait(0, head), { startImmediately: true })
      yield* one.log.append([entry(1_000_000)])
      yield* Fiber.join(waiter)
      yield* one.log.trim(0, head, Number.MAX_SAFE_INTEGER)
      expect((yield* other.log.bounds(0)).tail).toBe(head)
    }),
  )
}

await describeStore("behind a pooler", servers.postgres, () => {
  describe("behind a pooler that deals connections by transaction", () => {
    if (pgbouncer === undefined) {
      it.skip("everything works (skipped: no pgbouncer here)", () => {})
    } else {
      const path = pgbouncer
      it("everything works", () => throughPooler(path), 60_000)
    }
  })
})
