import type { EventLog } from "@millrace/core"
import { type Cursors, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { expect } from "vitest"
import { record } from "./cursors.ts"
import { entries, entry, ids, readAll } from "./entries.ts"
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

  check(
    "no position appears behind one that a reader has seen, whoever appends",
    (open) =>
      Effect.gen(function* () {
        const openings = [yield* open(), yield* open()]
        const appenders = 4
        const calls = 40
        const perCall = 3
        const total = openings.length * appenders * calls * perCall

        const append = (log: EventLog.EventLog["Service"], appender: number) =>
          Effect.forEach(
            Array.from({ length: calls }, (_, call) => (appender * calls + call) * perCall),
            (first) => Effect.andThen(log.append(entries(first, first + perCall - 1)), Effect.yieldNow),
          )
        // Reads as fast as it can: what commits late would be found by no one.
        const follow = (log: EventLog.EventLog["Service"]) =>
          Effect.gen(function* () {
            const seen: Array<Position.Position> = []
            while (seen.length < total) {
              const page = yield* log.read(0, seen.at(-1) ?? Position.origin, {
                maxEntries: 50,
                maxBytes: 1_000_000,
              })
              for (const { position } of page) seen.push(position)
              if (page.length === 0) yield* log.wait(0, seen.at(-1) ?? Position.origin)
            }
            return seen
          })

        const readers = yield* Effect.forEach(openings, ({ log }) => Effect.forkChild(follow(log)))
        yield* Effect.all(
          openings.flatMap(({ log }, opening) =>
            Array.from({ length: appenders }, (_, index) => append(log, opening * appenders + index)),
          ),
          { concurrency: "unbounded" },
        )
        const found = (yield* readAll(openings[0]!.log)).map(({ position }) => position)
        expect(found).toHaveLength(total)
        expect([...found].sort()).toEqual(found)
        for (const seen of yield* Fiber.joinAll(readers)) expect(seen).toEqual(found)
      }),
    "shared",
  )

  check(
    "one opening wakes those who wait in another",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        for (let number = 0; number < 5; number++) {
          const { head } = yield* other.log.bounds(0)
          const waiter = yield* Effect.forkChild(other.log.wait(0, head), { startImmediately: true })
          yield* one.log.append([entry(number)])
          yield* Fiber.join(waiter)
          expect(ids(yield* other.log.read(0, head, { maxEntries: 10, maxBytes: 1000 }))).toEqual(
            ids([entry(number)]),
          )
        }
      }),
    "shared",
  )

  check(
    "an id that one opening has stored is known to the other",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        const added = entries(1, 5)
        const positions = yield* one.log.append(added)
        expect(yield* other.log.append(added)).toEqual(positions)
        const raced = yield* Effect.all(
          [one, other, one, other].map(({ log }) => log.append(entries(6, 9))),
          { concurrency: "unbounded" },
        )
        for (const each of raced) expect(each).toEqual(raced[0])
        expect(ids(yield* readAll(one.log))).toEqual(ids(entries(1, 9)))
      }),
    "shared",
  )

  check(
    "what a dead owner has saved is handed on; what it saves late is refused, its other cursors aside",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        const names = ["a/0", "b/0", "c/0"]
        const owned = yield* Effect.forEach(names, one.cursors.acquire)
        const saves = (index: number) =>
          owned.map(({ name, epoch }): Cursors.CursorSave => ({ name, epoch, record: record(index) }))
        expect(yield* one.cursors.save(saves(1))).toEqual(["saved", "saved", "saved"])
        const taken = yield* other.cursors.acquire("b/0")
        expect(taken.record).toEqual(record(1))
        expect(yield* one.cursors.save(saves(2))).toEqual(["saved", "fenced", "saved"])
        expect(yield* other.cursors.save([{ ...taken, record: record(3) }])).toEqual(["saved"])
        expect(yield* one.cursors.save(saves(4))).toEqual(["saved", "fenced", "saved"])
        expect((yield* other.cursors.list).map((cursor) => cursor.record?.index)).toEqual([4, 3, 4])
      }),
    "shared",
  )

  check(
    "an owner that closes in the middle of its saves leaves the last one acknowledged, or a later one",
    (open) =>
      Effect.gen(function* () {
        const other = yield* open()
        const scope = yield* Scope.make()
        const one = yield* Scope.provide(open(), scope)
        const { name, epoch } = yield* one.cursors.acquire("a/0")
        let acknowledged = 0
        const saving = yield* Effect.forkChild(
          Effect.ignore(
            Effect.forEach(
              Array.from({ length: 10_000 }, (_, index) => index + 1),
              (index) =>
                Effect.map(one.cursors.save([{ name, epoch, record: record(index) }]), () => {
                  acknowledged = index
                }),
            ),
          ),
          { startImmediately: true },
        )
        while (acknowledged < 20) yield* other.cursors.list
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.await(saving)
        const taken = yield* other.cursors.acquire("a/0")
        expect(taken.record?.index).toBeGreaterThanOrEqual(acknowledged)
        expect(taken.record?.index).toBeLessThanOrEqual(acknowledged + 1)
      }),
    "shared",
  )

  check(
    "while two take over from each other again and again, no stale epoch saves",
    (open) =>
      Effect.gen(function* () {
        const openings = [yield* open(), yield* open()]
        let newest = 0
        let begun = 0
        let saved = 0
        const own = ({ cursors }: (typeof openings)[number]) =>
          Effect.gen(function* () {
            for (let round = 0; round < 25; round++) {
              const before = saved
              const { epoch, record: found } = yield* cursors.acquire("a/0")
              expect(found?.index ?? 0).toBeGreaterThanOrEqual(before)
              newest = Math.max(newest, epoch)
              for (let step = 0; step < 4; step++) {
                const stale = newest > epoch
                const index = ++begun
                const [outcome] = yield* cursors.save([{ name: "a/0", epoch, record: record(index) }])
                if (stale) expect(outcome).toBe("fenced")
                if (outcome === "saved") saved = Math.max(saved, index)
                yield* Effect.yieldNow
              }
            }
          })
        yield* Effect.all(openings.map(own), { concurrency: "unbounded" })
        expect(saved).toBeGreaterThan(0)
        expect((yield* openings[0]!.cursors.list)[0]?.record?.index).toBe(saved)
      }),
    "shared",
  )
}
