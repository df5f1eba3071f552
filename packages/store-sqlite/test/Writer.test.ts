import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { Position, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { describe, expect, it } from "vitest"
import { pageSize } from "../src/Connection.ts"
import { connect, entry, freshPath, readNumbers, withStore } from "./support/store.ts"

/**
 * How many transactions the write-ahead log holds: a frame that ends one has the file's size in its
 * header, others 0.
 */
const countCommits = (path: string): number => {
  const log = readFileSync(`${path}-wal`)
  let commits = 0
  for (let frame = 32; frame + 24 + pageSize <= log.byteLength; frame += 24 + pageSize) {
    if (log.readUInt32BE(frame + 4) !== 0) commits += 1
  }
  return commits
}

/** Holds the lock that writing needs, as another process would. */
const lock = (path: string): (() => void) => {
  const other = connect(path)
  other.exec("BEGIN IMMEDIATE")
  return () => {
    other.exec("ROLLBACK")
    other.close()
  }
}

/** Until what was asked just now is on its way. */
const underWay = Effect.promise(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve))))

const tagOf = <A>(effect: Effect.Effect<A, StoreError>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

describe("group commit", () => {
  it("writes what arrives together in one transaction", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const before = countCommits(path)
        yield* Effect.forEach(
          Array.from({ length: 64 }, (_, index) => index),
          (index) => log.append([entry(index)]),
          { concurrency: "unbounded" },
        )
        expect(countCommits(path) - before).toBe(1)
        expect(yield* readNumbers(log)).toHaveLength(64)
      }),
    )
  })

  it("writes what arrives during a transaction in the next one, cursors and all", async () => {
    const path = freshPath()
    await withStore(path, ({ log, cursors, counters }) =>
      Effect.gen(function* () {
        const { epoch } = yield* cursors.acquire("a/0")
        const before = countCommits(path)
        const unlock = lock(path)
        const first = yield* Effect.forkChild(log.append([entry(0)]), { startImmediately: true })
        yield* underWay
        const others = yield* Effect.forEach(
          [
            ...Array.from({ length: 40 }, (_, index) => log.append([entry(index + 1)])),
            cursors.save([
              { name: "a/0", epoch, record: { position: Position.origin, index: 0, state: "" } },
            ]),
            counters.add([{ hour: Date.now(), eventName: "a", count: 1 }]),
          ],
          (effect) => Effect.forkChild(Effect.asVoid(effect), { startImmediately: true }),
        )
        unlock()
        yield* Fiber.join(first)
        yield* Fiber.joinAll(others)
        expect(countCommits(path) - before).toBe(2)
        expect(yield* readNumbers(log)).toEqual(Array.from({ length: 41 }, (_, index) => index))
      }),
    )
  })

  it("writes for a probe what an append writes: a commit of its own", async () => {
    const path = freshPath()
    await withStore(path, ({ log, health }) =>
      Effect.gen(function* () {
        const before = countCommits(path)
        yield* health.probe
        yield* health.probe
        expect(countCommits(path) - before).toBe(2)
        expect(yield* log.bounds(0)).toMatchObject({ head: Position.origin, bytes: 0 })
      }),
    )
  })

  it("does not let one caller's mistake fail the others", async () => {
    await withStore(freshPath(), ({ log, cursors, counters }) =>
      Effect.gen(function* () {
        const { epoch } = yield* cursors.acquire("a/0")
        const wrong = { position: Position.origin, index: 0, state: {} as string }
        const [appended, refused, added] = yield* Effect.all(
          [
            Effect.exit(log.append([entry(1)])),
            Effect.exit(cursors.save([{ name: "a/0", epoch, record: wrong }])),
            Effect.exit(counters.add([{ hour: Date.now(), eventName: "a", count: 1 }])),
          ],
          { concurrency: "unbounded" },
        )
        expect([appended, refused, added].map(({ _tag }) => _tag)).toEqual(["Success", "Failure", "Success"])
        expect(Exit.hasDies(refused)).toBe(true)
        expect(yield* readNumbers(log)).toEqual([1])
        expect(yield* cursors.list).toMatchObject([{ name: "a/0", record: null }])
      }),
    )
  })

  it("does not let one append that finds the log full fail the others", async () => {
    await withStore(
      freshPath(),
      ({ log }) =>
        Effect.gen(function* () {
          const outcomes = yield* Effect.all(
            [log.append([entry(1)]), log.append([entry(2, 5000)]), log.append([entry(3)])].map(Effect.exit),
            { concurrency: "unbounded" },
          )
          expect(outcomes.map((exit) => Exit.isSuccess(exit))).toEqual([true, false, true])
          expect(yield* readNumbers(log)).toEqual([1, 3])
        }),
      { maxBytes: 1000 },
    )
  })

  it("gives every one of many concurrent appends its own positions", async () => {
    await withStore(freshPath(), ({ log }) =>
      Effect.gen(function* () {
        const appended = yield* Effect.forEach(
          Array.from({ length: 300 }, (_, index) => index),
          (index) =>
            Effect.map(
              log.append([entry(2 * index, index), entry(2 * index + 1, 300 - index)]),
              (positions) => ({
                index,
                positions,
              }),
            ),
          { concurrency: 50 },
        )
        for (const { index, positions } of appended) {
          const [first, second] = positions
          const before = Position.fromNumber(Position.toNumber(first ?? Position.origin) - 1)
          const read = yield* log.read(0, before, { maxEntries: 2, maxBytes: 1 << 20 })
          expect(read.map(({ position }) => position)).toEqual([first, second])
          expect(read).toMatchObject([entry(2 * index, index), entry(2 * index + 1, 300 - index)])
        }
      }),
    )
  })
})

describe("a file that another process has locked", () => {
  it("fails what is written, lets read on, and recovers by itself", async () => {
    const path = freshPath()
    await withStore(
      path,
      ({ log, cursors }) =>
        Effect.gen(function* () {
          yield* log.append([entry(1)])
          const unlock = lock(path)
          const tags = yield* Effect.all(
            [tagOf(log.append([entry(2)])), tagOf(log.append([entry(3)])), tagOf(cursors.acquire("a/0"))],
            { concurrency: "unbounded" },
          )
          expect(tags).toEqual(["Unavailable", "Unavailable", "Unavailable"])
          expect(yield* readNumbers(log)).toEqual([1])
          unlock()
          yield* log.append([entry(3)])
          expect(yield* readNumbers(log)).toEqual([1, 3])
          expect(yield* cursors.list).toEqual([])
        }),
      { busyTimeout: 20 },
    )
  })

  it("does not block the event loop meanwhile: here it is the loop that unlocks", async () => {
    const path = freshPath()
    await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          const unlock = lock(path)
          const append = yield* Effect.forkChild(log.append([entry(1)]), { startImmediately: true })
          for (let turn = 0; turn < 20; turn++) {
            yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))
            expect(yield* readNumbers(log)).toEqual([])
          }
          expect(append.pollUnsafe()).toBeUndefined()
          unlock()
          expect(yield* Fiber.join(append)).toHaveLength(1)
        }),
      // Were SQLite on this thread, it would wait in vain for so long.
      { busyTimeout: 20_000 },
    )
  })

  it("refuses at once what would wait beyond the bound, and takes the rest", async () => {
    const path = freshPath()
    await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          const unlock = lock(path)
          const size = 10 * 1024 * 1024
          const appends = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (number) =>
            Effect.forkChild(log.append([entry(number, size)]), { startImmediately: true }),
          )
          const error = yield* Effect.flip(log.append([entry(7, size)]))
          expect(error.reason._tag).toBe("Unavailable")
          expect(error.message).toContain("does not keep up")
          unlock()
          yield* Fiber.joinAll(appends)
          yield* log.append([entry(8, size)])
          expect(yield* readNumbers(log)).toEqual([1, 2, 3, 4, 5, 6, 8])
        }),
      { busyTimeout: 20_000 },
    )
  })
})

describe("a disk that hangs", () => {
  // A lock that another process holds for longer than anybody waits is as good.
  const hanging = { busyTimeout: 60_000, requestTimeout: 50 }

  it("fails what waits too long, takes it out of the queue, and takes nothing new until it is over", async () => {
    const path = freshPath()
    await withStore(
      path,
      ({ log, cursors, health }) =>
        Effect.gen(function* () {
          const unlock = lock(path)
          const size = 20 * 1024 * 1024
          const first = yield* Effect.forkChild(tagOf(log.append([entry(1, size)])), {
            startImmediately: true,
          })
          yield* underWay
          const others = yield* Effect.all(
            [
              tagOf(log.append([entry(2, size)])),
              tagOf(log.append([entry(3, size)])),
              tagOf(cursors.acquire("a/0")),
            ],
            { concurrency: "unbounded" },
          )
          expect([yield* Fiber.join(first), ...others]).toEqual(Array(4).fill("Unavailable"))
          // However much: nothing of it is kept.
          for (let number = 4; number < 40; number++) {
            const error = yield* Effect.flip(log.append([entry(number, size)]))
            expect(error.message).toContain("not written within 50 ms: the disk hangs")
          }
          expect(yield* tagOf(health.probe)).toBe("Unavailable")
          unlock()
          while ((yield* Effect.exit(log.append([entry(100)])))._tag === "Failure") yield* Effect.yieldNow
          // What was under way has been written; its sender was not told so.
          expect(yield* readNumbers(log)).toEqual([1, 100])
          expect(yield* cursors.list).toEqual([])
        }),
      hanging,
    )
  })
})

describe("a file that may grow no more", () => {
  it("fails what is written with nothing stored, and released entries give way to what comes then", async () => {
    await withStore(
      freshPath(),
      ({ log, cursors }) =>
        Effect.gen(function* () {
          const { epoch } = yield* cursors.acquire("a/0")
          const acknowledged: Array<number> = []
          const failures: Array<StoreError> = []
          for (let number = 0; failures.length === 0; number += 4) {
            yield* Effect.forEach(
              [number, number + 1, number + 2, number + 3],
              (one) =>
                Effect.matchEffect(log.append([entry(one, 20_000)]), {
                  onSuccess: () => Effect.sync(() => acknowledged.push(one)),
                  onFailure: (error) => Effect.sync(() => failures.push(error)),
                }),
              { concurrency: "unbounded" },
            )
          }
          // All of one transaction, and nothing of it stored.
          expect(failures.map(({ reason }) => reason._tag)).toEqual(Array(4).fill("Full"))
          expect(failures[0]?.message).toContain("disk full")
          expect(acknowledged.length).toBeGreaterThan(4)
          expect(yield* readNumbers(log)).toEqual(acknowledged)

          // Kept for replay, but for the room that intake needs.
          yield* log.trim(0, (yield* log.bounds(0)).head, 0)
          // The same ids again, as a sender would: none of them may be taken for stored.
          const next = acknowledged.length
          // A write that finds no room soon after another one lets nothing be appended for a
          // moment: how many pages are left by chance decides whether this one does.
          yield* Effect.retry(log.append([entry(next, 20_000), entry(next + 1, 20_000)]), {
            while: ({ reason }) => reason._tag === "Full",
            schedule: Schedule.spaced("50 millis"),
          })
          expect((yield* readNumbers(log)).slice(-2)).toEqual([next, next + 1])
          const record = { position: Position.origin, index: 0, state: "" }
          expect(yield* cursors.save([{ name: "a/0", epoch, record }])).toEqual(["saved"])
        }),
      // As good as a full disk.
      { maxPages: 100 },
    )
  })
})

describe("a file that has been moved away", () => {
  it("acknowledges nothing that nobody would find again, and is not written to any more", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1)])
        renameSync(path, `${path}-elsewhere`)
        // So large that the disk is looked at first.
        const error = yield* Effect.flip(log.append([entry(2, 2 * 1024 * 1024)]))
        expect(error.reason._tag).toBe("Unavailable")
        expect(error.message).toContain("moved, deleted or replaced")
        writeFileSync(path, "")
        expect(yield* tagOf(log.append([entry(3)]))).toBe("Unavailable")
        renameSync(`${path}-elsewhere`, path)
        yield* log.append([entry(2)])
        expect(yield* readNumbers(log)).toEqual([1, 2])
      }),
    )
  })
})
