import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import { entries, entry, ids, never, readAll } from "./entries.ts"
import type { Suite } from "./suite.ts"

export const partitions = ({ check }: Suite): void => {
  check(
    "each partition is a log of its own",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const all = Array.from({ length: log.partitions }, (_, partition) => partition)
        expect(all.length).toBeGreaterThan(1)

        const waiters = yield* Effect.forEach(all, (partition) =>
          Effect.forkChild(log.wait(partition, Position.origin), { startImmediately: true }),
        )
        for (const partition of all) {
          yield* log.append(entries(partition * 100, partition * 100 + partition + 2), partition)
        }
        yield* Fiber.joinAll(waiters)
        const last = all.length - 1
        const untouched = yield* Effect.forEach(all.slice(0, last), (partition) => log.bounds(partition))
        yield* log.trim(last, (yield* log.bounds(last)).head, never)
        yield* log.append([entry(999)], last)

        for (const partition of all.slice(0, last)) {
          const added = entries(partition * 100, partition * 100 + partition + 2)
          expect(ids(yield* readAll(log, { partition }))).toEqual(ids(added))
          const bounds = yield* log.bounds(partition)
          expect(bounds).toEqual(untouched[partition])
          expect((yield* log.stats(partition, bounds.head)).entries).toBe(added.length)
        }
        const { tail } = yield* log.bounds(last)
        expect(ids(yield* readAll(log, { partition: last, after: tail }))).toEqual(ids([entry(999)]))
      }),
    "partitioned",
  )
}
