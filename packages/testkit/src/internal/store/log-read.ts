import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { all, appendOne, entries, entry, idOf, ids, never, readAll, sizeOf } from "./entries.ts"
import { type Suite, start } from "./suite.ts"

export const reading = ({ check, checkPlaces }: Suite): void => {
  check("reads after a position, up to a number of entries", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const positions = yield* log.append(entries(1, 10))
      const third = positions[2] ?? Position.origin
      expect(ids(yield* log.read(0, third, { ...all, maxEntries: 4 }))).toEqual(ids(entries(4, 7)))
      expect(ids(yield* log.read(0, third, all))).toEqual(ids(entries(4, 10)))
      expect(yield* log.read(0, positions[9] ?? Position.origin, all)).toEqual([])
      // Owned by nobody: the same again.
      expect(ids(yield* log.read(0, third, all))).toEqual(ids(entries(4, 10)))
    }),
  )

  check("reads up to a number of bytes, and at least one entry however large", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const added = [100, 200, 5000, 100, 100, 100].map((size, index) => entry(index, { size }))
      yield* log.append(added)
      const pages: Array<ReadonlyArray<string>> = []
      let after = Position.origin
      for (;;) {
        const page = yield* log.read(0, after, { maxEntries: 100, maxBytes: 300 })
        if (page.length === 0) break
        expect(page.length === 1 || page.reduce((sum, one) => sum + sizeOf(one), 0) <= 300).toBe(true)
        pages.push(ids(page))
        after = page.at(-1)?.position ?? after
      }
      expect(pages.flat()).toEqual(ids(added))
      expect(ids(yield* log.read(0, Position.origin, { maxEntries: 100, maxBytes: 0 }))).toEqual([idOf(0)])
    }),
  )

  check("leaves out no bodies but those that the reader does not want", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      yield* log.append(entries(1, 10, 500))
      yield* log.append(entries(11, 13))
      for (const wanted of [/[02468]}$/, /1}$/, /3}$/, /./, /$^/]) {
        const wants = (envelope: string): boolean => wanted.test(envelope)
        const found = yield* log.read(0, Position.origin, all, wants)
        const whole = yield* log.read(0, Position.origin, all)
        expect(whole.some(({ leftOut }) => leftOut !== undefined)).toBe(false)
        expect(found).toEqual(
          whole.map((one, place) =>
            found[place]?.leftOut === undefined
              ? one
              : { ...one, body: new Uint8Array(0), leftOut: one.body.byteLength },
          ),
        )
        expect(found.some(({ envelope, leftOut }) => wants(envelope) && leftOut !== undefined)).toBe(false)
      }
    }),
  )

  check("pages through many entries, each page within its limits", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const count = 20_000
      for (let first = 0; first < count; first += 1000) yield* log.append(entries(first, first + 999, 64))
      const limits = { maxEntries: 700, maxBytes: 32_000 }
      const seen: Array<string> = []
      let after = Position.origin
      for (;;) {
        const page = yield* log.read(0, after, limits)
        if (page.length === 0) break
        expect(page.length).toBeLessThanOrEqual(500)
        for (const { id } of page) seen.push(id)
        after = page.at(-1)?.position ?? after
      }
      expect(seen).toEqual(ids(entries(0, count - 1)))
    }),
  )

  checkPlaces(
    "a position behind the head is out of range, and the error says what there is",
    async (runAtPlace) => {
      let beyond = Position.origin
      await runAtPlace((open) =>
        Effect.gen(function* () {
          const { log } = yield* open()
          beyond = (yield* log.append(entries(1, 20))).at(-1) ?? Position.origin
        }),
      )
      await runAtPlace((open) =>
        Effect.gen(function* () {
          const { log } = yield* open()
          yield* log.append(entries(1, 3))
          const { tail, head } = yield* log.bounds(0)
          const reason = { _tag: "OutOfRange", tail, head }
          const failures = [
            yield* Effect.flip(log.read(0, beyond, all)),
            yield* Effect.flip(log.stats(0, beyond)),
          ]
          for (const { reason: found } of failures) {
            expect(found).toMatchObject(reason)
            // Whether it is of what this log has lost, only the store can tell.
            expect([tail, head]).toContain(found._tag === "OutOfRange" ? found.resumeAt : found)
          }
        }),
      )
    },
  )

  check("a position before what is kept is out of range; the tail is not", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const positions = yield* log.append(entries(1, 5))
      const third = positions[2] ?? Position.origin
      yield* log.trim(0, third, never)
      const { tail, head } = yield* log.bounds(0)
      const reason = { _tag: "OutOfRange", tail, head, resumeAt: tail }
      for (const before of [Position.origin, positions[0] ?? Position.origin]) {
        expect((yield* Effect.flip(log.read(0, before, all))).reason).toEqual(reason)
        expect((yield* Effect.flip(log.stats(0, before))).reason).toEqual(reason)
      }
      expect(ids(yield* log.read(0, tail, all))).toEqual([idOf(4), idOf(5)])
      expect(ids(yield* log.read(0, third, all))).toEqual([idOf(4), idOf(5)])
    }),
  )

  check("appendedAt is the clock's time, and never goes back when the clock does", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      for (const [index, time] of [start, start + 1000, start - 5000, start + 2000].entries()) {
        yield* TestClock.setTime(time)
        yield* log.append([entry(index)])
      }
      const found = yield* readAll(log)
      expect(found.map(({ appendedAt }) => appendedAt - start)).toEqual([0, 1000, 1000, 2000])
      expect((yield* log.bounds(0)).oldestAt).toBe(start)
    }),
  )

  check("locates the first entry at or after a time", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      expect(yield* log.locate(0, start)).toBe(Position.origin)
      const positions: Array<Position.Position> = [Position.origin]
      // At 1 s, 2 s, 2 s, 2 s and 4 s.
      for (const [index, wait] of [1, 1, 0, 0, 2].entries()) {
        yield* TestClock.adjust(wait * 1000)
        positions.push(yield* appendOne(log, entry(index)))
      }
      const located = Effect.map(
        Effect.forEach([-9e9, 0, 999, 1000, 1001, 2000, 2001, 4000, 4001, 9e9], (time) =>
          log.locate(0, start + time),
        ),
        (found) => found.map((position) => positions.indexOf(position)),
      )
      expect(yield* located).toEqual([0, 0, 0, 0, 1, 1, 4, 4, 5, 5])

      yield* log.trim(0, positions[2] ?? Position.origin, never)
      expect(yield* located).toEqual([2, 2, 2, 2, 2, 2, 4, 4, 5, 5])
      yield* log.trim(0, positions[5] ?? Position.origin, never)
      expect(yield* located).toEqual(Array.from({ length: 10 }, () => 5))
    }),
  )

  check("sums what stands up to any position, trimmed entries included", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const added = Array.from({ length: 60 }, (_, index) =>
        entry(index, { events: (index * 7) % 11, size: 40 + ((index * 31) % 500) }),
      )
      const positions: Array<Position.Position> = []
      for (let first = 0; first < added.length; first += 7) {
        positions.push(...(yield* log.append(added.slice(first, first + 7))))
      }
      const sums = (count: number) => ({
        entries: count,
        events: added.slice(0, count).reduce((sum, { events }) => sum + events, 0),
        bytes: added.slice(0, count).reduce((sum, one) => sum + sizeOf(one), 0),
      })
      for (const trimmed of [0, 13, 59, 60]) {
        yield* log.trim(0, positions[trimmed - 1] ?? Position.origin, never)
        const { tail } = yield* log.bounds(0)
        expect(yield* log.stats(0, tail)).toEqual(sums(trimmed))
        for (let count = Math.max(trimmed, 1); count <= added.length; count += 1) {
          expect(yield* log.stats(0, positions[count - 1] ?? Position.origin)).toEqual(sums(count))
        }
        expect((yield* log.bounds(0)).bytes).toBe(sums(60).bytes - sums(trimmed).bytes)
      }
    }),
  )
}
