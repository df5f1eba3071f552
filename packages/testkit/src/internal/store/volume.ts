import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { entries, idOf, never } from "./entries.ts"
import { memoryInUse } from "./gc.ts"
import type { Suite } from "./suite.ts"

const mebibyte = 1024 * 1024

const perCall = 500
const size = 250

/** ms: a million entries take minutes on some stores. */
const timeout = 15 * 60_000

export const volume = ({ check }: Suite, count: number): void => {
  check(
    `${count.toLocaleString("en-US")} entries are appended, read and trimmed in flat memory`,
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        let most = 0
        const append = Effect.fnUntraced(function* (from: number, to: number) {
          for (let number = from; number < to; number += 4 * perCall) {
            // A few at once, as a busy server does.
            yield* Effect.forEach(
              [0, 1, 2, 3].map((call) => number + call * perCall),
              (first) => log.append(entries(first, first + perCall - 1, size)),
              { concurrency: "unbounded" },
            )
            if (number % (count / 10) === 0) most = Math.max(most, memoryInUse())
          }
        })
        // What a store sets up once is not counted.
        yield* append(0, count / 10)
        const before = memoryInUse()
        most = 0
        yield* append(count / 10, count)
        const { head } = yield* log.bounds(0)
        expect(yield* log.stats(0, head)).toEqual({ entries: count, events: count, bytes: count * size })

        const seen = new Uint8Array(count)
        let after = Position.origin
        let read = 0
        for (;;) {
          const page = yield* log.read(0, after, { maxEntries: 2000, maxBytes: mebibyte })
          for (const { id, position } of page) {
            if (position <= after) throw new Error("positions out of order")
            after = position
            seen[Number.parseInt(id, 16)] = 1
          }
          read += page.length
          if (page.length === 0) break
          if (Math.floor(read / (count / 10)) !== Math.floor((read - page.length) / (count / 10))) {
            most = Math.max(most, memoryInUse())
          }
        }
        expect(read).toBe(count)
        expect(seen.indexOf(0)).toBe(-1)
        expect(after).toBe(head)

        yield* log.trim(0, head, never)
        expect(yield* log.bounds(0)).toEqual({ tail: head, head, bytes: 0, oldestAt: null })
        yield* log.append([{ id: idOf(count), events: 1, envelope: "{}", body: new Uint8Array(1) }])
        most = Math.max(most, memoryInUse())
        // Kept, they would take three times their bytes.
        expect(most - before).toBeLessThan(count * size)
      }),
    "outside",
    timeout,
  )
}
