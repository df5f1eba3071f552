import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { all, appendOne, entries, entry, idOf, ids, never, readAll } from "./entries.ts"
import { type Ports, type Suite, start } from "./suite.ts"

const kept = (log: Ports["log"]) =>
  Effect.gen(function* () {
    const { tail } = yield* log.bounds(0)
    return ids(yield* readAll(log, { after: tail }))
  })

/** Entries 1 to `count`, one a second from `start` on. */
const appendEachSecond = (log: Ports["log"], count: number) =>
  Effect.gen(function* () {
    const positions: Array<Position.Position> = [Position.origin]
    for (let number = 1; number <= count; number++) {
      positions.push(yield* appendOne(log, entry(number, { size: 100 })))
      yield* TestClock.adjust(1000)
    }
    return (number: number) => positions[number] ?? Position.origin
  })

export const trimming = ({ check }: Suite): void => {
  check("drops only what is released and old enough", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const at = yield* appendEachSecond(log, 6)
      yield* log.trim(0, at(4), start)
      expect(yield* kept(log)).toEqual(ids(entries(1, 6)))
      yield* log.trim(0, Position.origin, never)
      expect(yield* kept(log)).toEqual(ids(entries(1, 6)))
      yield* log.trim(0, at(4), start + 2000)
      expect(yield* kept(log)).toEqual(ids(entries(3, 6)))
      yield* log.trim(0, at(4), never)
      expect(yield* kept(log)).toEqual(ids(entries(5, 6)))
      yield* log.trim(0, at(4), never)
      expect(yield* kept(log)).toEqual(ids(entries(5, 6)))
      expect(yield* log.bounds(0)).toEqual({ tail: at(4), head: at(6), bytes: 200, oldestAt: start + 4000 })
    }),
  )

  check("never uses a position again, also after trimming to empty", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const used: Array<Position.Position> = []
      for (let round = 0; round < 3; round++) {
        const positions = yield* log.append(entries(round * 5, round * 5 + 4))
        for (const position of positions) expect(position > (used.at(-1) ?? Position.origin)).toBe(true)
        used.push(...positions)
        const { head } = yield* log.bounds(0)
        yield* log.trim(0, head, never)
        expect(yield* log.bounds(0)).toEqual({ tail: head, head, bytes: 0, oldestAt: null })
        expect(yield* log.read(0, head, all)).toEqual([])
      }
      const last = yield* appendOne(log, entry(99))
      expect(last > (used.at(-1) ?? Position.origin)).toBe(true)
      expect(ids(yield* log.read(0, used.at(-1) ?? Position.origin, all))).toEqual([idOf(99)])
    }),
  )

  check(
    "releases what stands at the head now, not what comes later",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 500 })
        const at = yield* appendEachSecond(log, 3)
        yield* log.trim(0, at(3), 0)
        yield* log.append(entries(4, 5, 100))
        yield* log.append(entries(6, 8, 100))
        expect(yield* kept(log)).toEqual(ids(entries(4, 8)))
        expect((yield* Effect.flip(log.append([entry(9, { size: 100 })]))).reason._tag).toBe("Full")
      }),
    "capped",
  )

  check(
    "releases also what comes later when it is told so",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 500 })
        yield* log.trim(0, Position.end, 0)
        for (const n of [1, 4, 7, 10]) yield* log.append(entries(n, n + 2, 100))
        expect((yield* log.bounds(0)).bytes).toBeLessThanOrEqual(500)
        expect((yield* kept(log)).at(-1)).toBe(ids(entries(12, 12))[0])
      }),
    "capped",
  )

  check(
    "a full log makes room by dropping released entries, oldest first, and no others",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 1000 })
        const at = yield* appendEachSecond(log, 10)
        expect((yield* Effect.flip(log.append([entry(11, { size: 100 })]))).reason._tag).toBe("Full")

        yield* log.trim(0, at(3), 0)
        expect(yield* kept(log)).toEqual(ids(entries(1, 10)))
        yield* log.append([entry(11, { size: 100 })])
        const left = yield* kept(log)
        expect(left).toEqual(ids(entries(1, 11)).slice(-left.length))
        expect(left.length).toBeGreaterThanOrEqual(8)
        expect((yield* log.bounds(0)).bytes).toBeLessThanOrEqual(1000)

        // Two more fit in the place of 2 and 3; a third does not, and then none of the three is
        // stored.
        expect((yield* Effect.flip(log.append(entries(12, 14, 100)))).reason._tag).toBe("Full")
        expect(yield* kept(log)).toEqual(left)
        yield* log.append(entries(12, 13, 100))
        expect(yield* kept(log)).toEqual(ids(entries(4, 13)))
        expect((yield* log.stats(0, at(3))).entries).toBe(3)
      }),
    "capped",
  )

  check(
    "making room leaves most of what is kept for replay",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 20_000 })
        yield* log.append(entries(1, 200, 100))
        yield* log.trim(0, (yield* log.bounds(0)).head, 0)
        yield* log.append([entry(201, { size: 100 })])
        const left = yield* kept(log)
        expect(left).toEqual(ids(entries(1, 201)).slice(-left.length))
        // A store may drop by the page or the segment, not by the log.
        expect(left.length).toBeGreaterThan(100)
      }),
    "capped",
  )

  check(
    "what is released may move back",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 1000 })
        const at = yield* appendEachSecond(log, 10)
        yield* log.trim(0, at(8), 0)
        yield* log.trim(0, at(1), 0)
        yield* log.append([entry(11, { size: 100 })])
        expect(yield* kept(log)).toEqual(ids(entries(2, 11)))
        expect((yield* Effect.flip(log.append([entry(12, { size: 100 })]))).reason._tag).toBe("Full")
      }),
    "capped",
  )

  check("trimming while others append and read loses nothing that is not released", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const count = 400
      const append = Effect.forEach(
        Array.from({ length: count / 4 }, (_, call) => call),
        (call) => Effect.andThen(log.append(entries(call * 4, call * 4 + 3)), Effect.yieldNow),
      )
      const seen: Array<string> = []
      const consume = Effect.gen(function* () {
        let after = Position.origin
        while (seen.length < count) {
          yield* log.wait(0, after)
          const page = yield* log.read(0, after, { maxEntries: 7, maxBytes: 1_000_000 })
          for (const { id } of page) seen.push(id)
          after = page.at(-1)?.position ?? after
          yield* log.trim(0, after, never)
        }
      })
      yield* Effect.all([append, consume], { concurrency: "unbounded" })
      expect(seen).toEqual(ids(entries(0, count - 1)))
      expect((yield* log.bounds(0)).bytes).toBe(0)
    }),
  )
}
