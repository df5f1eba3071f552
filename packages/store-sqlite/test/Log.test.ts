import { Position } from "@millrace/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { connect, entry, freshPath, query, readNumbers, withStore } from "./support/store.ts"

const all = { maxEntries: 10_000, maxBytes: 1 << 30 }

describe("ids", () => {
  it("are known after trimming to empty and reopening", async () => {
    const path = freshPath()
    const positions = await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const appended = yield* log.append(Array.from({ length: 1500 }, (_, index) => entry(index)))
        yield* log.trim(0, appended.at(-1) ?? Position.origin, Number.POSITIVE_INFINITY)
        return appended
      }),
    )
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const last = Array.from({ length: 1000 }, (_, index) => entry(index + 500))
        expect(yield* log.append(last)).toEqual(positions.slice(500))
        expect((yield* log.bounds(0)).bytes).toBe(0)
      }),
    )
    // No more of them than promised is kept.
    expect(query(connect(path), "SELECT count(*) AS ids FROM trimmed_ids").ids).toBe(1000)
  })

  it("of a transaction that failed are not taken for stored", async () => {
    await withStore(
      freshPath(),
      ({ log }) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(log.append([entry(1, 10), entry(2, 1 << 20)]))
          expect(error.reason._tag).toBe("Unavailable")
          expect(yield* log.append([entry(1, 10)])).toEqual([Position.fromNumber(1)])
          expect(yield* readNumbers(log)).toEqual([1])
        }),
      { maxPages: 60 },
    )
  })
})

describe("trimming", () => {
  it("lets appends in between, and uses the file's room again", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const append = (from: number) =>
          log.append(Array.from({ length: 5000 }, (_, index) => entry(from + index, 1000)))
        yield* append(0)
        const { head } = yield* log.bounds(0)
        const pages = () => Number(query(connect(path), "PRAGMA page_count").page_count)
        const before = pages()
        const trimmed: Array<string> = []
        yield* Effect.all(
          [
            Effect.tap(log.trim(0, head, Number.POSITIVE_INFINITY), () =>
              Effect.sync(() => trimmed.push("trim")),
            ),
            Effect.tap(log.append([entry(9999)]), () => Effect.sync(() => trimmed.push("append"))),
          ],
          { concurrency: "unbounded" },
        )
        expect(trimmed).toEqual(["append", "trim"])
        expect(yield* readNumbers(log)).toEqual([9999])
        yield* append(10_000)
        expect(pages()).toBeLessThan(before * 1.05)
      }),
    )
  })
})

describe("text", () => {
  it("is kept whole, whatever is in it", async () => {
    const path = freshPath()
    const odd = ["", "a\0b", "a", "a\0", "ä€😀", "'; DROP TABLE entries; --", "\u2028"]
    await withStore(path, ({ counters, cursors, log }) =>
      Effect.gen(function* () {
        const hour = Date.now()
        yield* counters.add(odd.map((eventName, index) => ({ hour, eventName, count: index + 1 })))
        yield* counters.add(odd.map((eventName) => ({ hour, eventName, count: 1 })))
        const counted = yield* counters.list(0, Number.POSITIVE_INFINITY)
        expect(counted).toEqual(
          odd
            .map((eventName, index) => ({ hour, eventName, count: index + 2 }))
            .toSorted((a, b) => (a.eventName < b.eventName ? -1 : 1)),
        )
        for (const name of odd) {
          const { epoch } = yield* cursors.acquire(name)
          const record = { position: Position.origin, index: 0, state: name }
          expect(yield* cursors.save([{ name, epoch, record }])).toEqual(["saved"])
        }
        expect((yield* cursors.list).map(({ record }) => record?.state)).toEqual(odd.toSorted())
        yield* log.append(odd.map((envelope, index) => ({ ...entry(index), envelope })))
        expect((yield* log.read(0, Position.origin, all)).map(({ envelope }) => envelope)).toEqual(odd)
      }),
    )
  })
})
