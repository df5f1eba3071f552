import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { failure, success } from "./attempts.ts"
import { contents } from "./contents.ts"
import { counted } from "./counters.ts"
import { record } from "./cursors.ts"
import { letter } from "./deadLetters.ts"
import { destination } from "./destinations.ts"
import { appendOne, entries, entry, idOf, ids, never, readAll } from "./entries.ts"
import { key } from "./keys.ts"
import { type Suite, start } from "./suite.ts"

export const reopening = ({ check }: Suite): void => {
  check(
    "keeps everything",
    (open) =>
      Effect.gen(function* () {
        const before = yield* Effect.scoped(
          Effect.gen(function* () {
            const ports = yield* open()
            for (let number = 0; number < 5; number++) {
              yield* ports.log.append([entry(number, { events: number })])
              yield* TestClock.adjust(1000)
            }
            yield* ports.log.trim(0, (yield* ports.log.locate(0, start + 1000)) ?? Position.origin, never)
            const { epoch } = yield* ports.cursors.acquire("a/0")
            yield* ports.cursors.acquire("b/0")
            yield* ports.cursors.save([{ name: "a/0", epoch, record: record(3) }])
            yield* ports.deadLetters.put([letter(1), letter(2, { destination: "lake" })])
            yield* ports.deadLetters.markReplayed({ destination: "lake" }, start)
            yield* ports.attempts.append([failure(1), success(2)])
            yield* ports.destinations.put(destination("lake", { disabled: { at: start, reason: "gone" } }))
            yield* ports.keys.put(key("a"))
            yield* ports.counters.add([counted(0, "a", 3)])
            return yield* contents(ports)
          }),
        )
        expect(before.entries).toHaveLength(4)
        for (let round = 0; round < 2; round++) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              expect(yield* contents(yield* open())).toEqual(before)
            }),
          )
        }
      }),
    "reopens",
  )

  check(
    "goes on where it was: order, ids, time",
    (open) =>
      Effect.gen(function* () {
        const first = yield* Effect.scoped(
          Effect.gen(function* () {
            const { log } = yield* open()
            return yield* log.append(entries(0, 999))
          }),
        )
        yield* TestClock.setTime(start - 60_000)
        const { log } = yield* open()
        const again = yield* log.append([entry(0), entry(1000), entry(999)])
        expect([again[0], again[2]]).toEqual([first[0], first[999]])
        expect((again[1] ?? Position.origin) > (first[999] ?? Position.origin)).toBe(true)
        const found = yield* readAll(log)
        expect(ids(found)).toEqual(ids(entries(0, 1000)))
        expect(found.at(-1)?.appendedAt).toBe(start)
        expect((yield* log.stats(0, again[1] ?? Position.origin)).entries).toBe(1001)
      }),
    "reopens",
  )

  check(
    "never uses a position again after trimming to empty",
    (open) =>
      Effect.gen(function* () {
        let last = Position.origin
        for (let round = 0; round < 4; round++) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { log } = yield* open()
              expect(yield* log.bounds(0)).toEqual({ tail: last, head: last, bytes: 0, oldestAt: null })
              expect((yield* log.stats(0, last)).entries).toBe(round)
              const position = yield* appendOne(log, entry(round))
              expect(position > last).toBe(true)
              yield* log.trim(0, position, never)
              last = position
            }),
          )
        }
      }),
    "reopens",
  )

  check(
    "never uses an epoch again after a cursor was removed",
    (open) =>
      Effect.gen(function* () {
        const old = yield* Effect.scoped(
          Effect.gen(function* () {
            const { cursors } = yield* open()
            yield* cursors.acquire("a/0")
            const taken = yield* cursors.acquire("a/0")
            yield* cursors.remove("a/0")
            return taken
          }),
        )
        const { cursors } = yield* open()
        const made = yield* cursors.acquire("a/0")
        expect(made.epoch).toBeGreaterThan(old.epoch)
        expect(made.record).toBeNull()
        expect(yield* cursors.save([{ name: "a/0", epoch: old.epoch, record: record(1) }])).toEqual([
          "fenced",
        ])
      }),
    "reopens",
  )

  check(
    "remembers what is released, and the cap still holds",
    (open) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { log } = yield* open({ maxBytes: 1000 })
            const positions = yield* log.append(entries(1, 10, 100))
            yield* log.trim(0, positions[1] ?? Position.origin, 0)
          }),
        )
        const { log } = yield* open({ maxBytes: 1000 })
        yield* log.append(entries(11, 12, 100))
        const { tail } = yield* log.bounds(0)
        expect(ids(yield* readAll(log, { after: tail }))).toEqual(ids(entries(3, 12)))
        expect((yield* Effect.flip(log.append([entry(13, { size: 100 })]))).reason._tag).toBe("Full")
      }),
    "reopens",
  )

  check(
    "keeps what was acknowledged when it is closed in the middle of other appends",
    (open) =>
      Effect.gen(function* () {
        const acknowledged = new Set<string>()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { log } = yield* open()
            const append = (number: number) =>
              Effect.map(log.append([entry(number)]), () => {
                acknowledged.add(idOf(number))
              })
            for (let number = 0; number < 100; number++) {
              yield* Effect.forkChild(Effect.ignore(append(number)), { startImmediately: true })
            }
            yield* append(100)
          }),
        )
        expect(acknowledged.size).toBeGreaterThan(0)
        const { log } = yield* open()
        const found = new Set(ids(yield* readAll(log)))
        for (const id of acknowledged) expect(found.has(id)).toBe(true)
      }),
    "reopens",
  )
}
