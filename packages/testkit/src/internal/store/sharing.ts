import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { record } from "./cursors.ts"
import { entry, ids, readAll } from "./entries.ts"
import type { Suite } from "./suite.ts"

export const sharing = ({ check }: Suite): void => {
  check(
    "a cursor taken over by one opening is refused to the other",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        const first = yield* one.cursors.acquire("a/0")
        yield* one.cursors.save([{ name: "a/0", epoch: first.epoch, record: record(1) }])
        const second = yield* other.cursors.acquire("a/0")
        expect(second.epoch).toBeGreaterThan(first.epoch)
        expect(second.record).toEqual(record(1))
        expect(yield* one.cursors.save([{ name: "a/0", epoch: first.epoch, record: record(2) }])).toEqual([
          "fenced",
        ])
        expect(yield* other.cursors.save([{ name: "a/0", epoch: second.epoch, record: record(3) }])).toEqual([
          "saved",
        ])
        expect(yield* one.cursors.list).toEqual(yield* other.cursors.list)
      }),
    "shared",
  )

  check(
    "what both append is one log, in one order",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        const count = 100
        yield* Effect.all(
          [one, other].map(({ log }, opening) =>
            Effect.forEach(
              Array.from({ length: count }, (_, index) => index),
              (index) => log.append([entry(opening * count + index)]),
            ),
          ),
          { concurrency: "unbounded" },
        )
        const found = yield* readAll(one.log)
        expect(new Set(ids(found)).size).toBe(2 * count)
        expect(found.map(({ position }) => position)).toEqual(
          (yield* readAll(other.log)).map(({ position }) => position),
        )
        const { head } = yield* one.log.bounds(0)
        expect(yield* other.log.stats(0, head)).toEqual(yield* one.log.stats(0, head))
        expect((yield* one.log.stats(0, head)).entries).toBe(2 * count)
      }),
    "shared",
  )
}
