import { createHash } from "node:crypto"
import { type EventLog, Position, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { mostGroups, NewestEntries, room } from "../src/NewestEntries.ts"
import { type Group, sizeOf } from "../src/packing.ts"
import { entry, freshPath, withStore } from "./support/store.ts"

type Log = EventLog.EventLog["Service"]

const all = { maxEntries: 10_000, maxBytes: 1 << 30 }

/** What a read after so many of the log's entries returns. */
const fitting = (
  log: ReadonlyArray<EventLog.LogEntry>,
  after: number,
  limits: EventLog.ReadLimits,
): ReadonlyArray<EventLog.LogEntry> => {
  let bytes = 0
  const rest = log.slice(after, after + limits.maxEntries)
  const tooMany = rest.findIndex((one, index) => {
    bytes += sizeOf(one)
    return index > 0 && bytes > limits.maxBytes
  })
  return tooMany < 0 ? rest : rest.slice(0, tooMany)
}

const groupOf = (entries: ReadonlyArray<EventLog.NewEntry>): Group => ({
  entries,
  now: -1,
  size: entries.reduce((sum, each) => sum + sizeOf(each), 0),
})

/** Comparing large bodies byte by byte is slow in a test runner. */
const digest = (entries: ReadonlyArray<EventLog.LogEntry>) =>
  entries.map(({ body, ...one }) => ({ ...one, body: createHash("sha1").update(body).digest("hex") }))

const limits = fc.record({
  maxEntries: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)),
  maxBytes: fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: room })),
})

describe("the newest entries", () => {
  const size = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 1 << 20 }))
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("write" as const),
        sizes: fc.array(size, { maxLength: 6 }),
        /** Entries of another process in front of these. */
        gap: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) }),
        repeats: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()),
        /** Some groups fail, those of a full disk, say. */
        fails: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("read" as const),
        back: fc.nat({ max: 20 }),
        limits,
        /** Those of every third entry, or of none. */
        leftOut: fc.nat({ max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), back: fc.nat({ max: 20 }) }) },
  )

  it("are those of the log, and stay what was read whatever is written over them", () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
        const newest = new NewestEntries("/nowhere")
        const log: Array<EventLog.LogEntry> = []
        const read: Array<readonly [entries: ReadonlyArray<EventLog.LogEntry>, digested: unknown]> = []
        let tail = 0
        /** What another process has appended behind it is not known yet. */
        let head = 0
        const add = (one: EventLog.NewEntry, appendedAt: number) =>
          log.push({ ...one, appendedAt, position: Position.fromNumber(log.length + 1) })
        for (const [number, one] of steps.entries()) {
          if (one.kind === "write") {
            for (let other = 0; other < one.gap; other++) add(entry(log.length), number)
            const fresh = one.sizes.map((size, index) => entry(log.length + index, size))
            const entries = one.repeats ? [...fresh, entry(1)] : fresh
            const packed = newest.pack([groupOf(entries)])
            if (one.fails) continue
            const positions = Float64Array.from(entries, (_, index) =>
              index < fresh.length ? log.length + index + 1 : 2,
            )
            const times = Float64Array.from(entries, (_, index) =>
              index < fresh.length ? number : Number.NaN,
            )
            for (const each of fresh) add(each, number)
            newest.add(packed, { positions, times, tail, full: null })
            head = log.length
          } else if (one.kind === "drop") {
            tail = Math.max(tail, log.length - one.back)
            newest.dropped(tail)
          } else {
            const after = log.length - one.back
            const wants = (envelope: string) => envelope.length % 3 !== one.leftOut
            const found = newest.read(after, one.limits, wants)
            if (found === undefined) continue
            expect(after).toBeGreaterThanOrEqual(tail)
            expect(after).toBeLessThan(head)
            const digested = digest(found)
            const expected = fitting(log.slice(0, head), after, one.limits)
            expect(digested).toEqual(
              digest(
                expected.map((each) =>
                  wants(each.envelope)
                    ? each
                    : { ...each, body: new Uint8Array(0), leftOut: each.body.byteLength },
                ),
              ),
            )
            read.push([found, digested])
          }
        }
        for (const [entries, digested] of read) expect(digest(entries)).toEqual(digested)
        newest.close()
      }),
      { numRuns: 500 },
    ))

  const write = (newest: NewestEntries, position: number, size: number): void => {
    const packed = newest.pack([groupOf([entry(position, size)])])
    newest.add(packed, {
      positions: Float64Array.of(position),
      times: Float64Array.of(0),
      tail: 0,
      full: null,
    })
  }

  it("are as many as there is room for", () => {
    const newest = new NewestEntries("/nowhere")
    for (let position = 1; position <= 20; position++) write(newest, position, 1 << 20)
    expect(newest.read(12, all)).toBeUndefined()
    expect(newest.read(13, all)).toHaveLength(7)
    write(newest, 21, room)
    expect(newest.read(19, all)).toBeUndefined()
    expect(newest.read(20, all)).toBeUndefined()
    write(newest, 22, 100)
    expect(newest.read(21, all)).toHaveLength(1)
    newest.close()
    expect(newest.read(21, all)).toBeUndefined()
  })

  it("are of so many groups at most", () => {
    const newest = new NewestEntries("/nowhere")
    for (let position = 1; position <= mostGroups + 2; position++) write(newest, position, 1)
    expect(newest.read(1, all)).toBeUndefined()
    expect(newest.read(2, all)).toHaveLength(mostGroups)
    newest.close()
  })
})

describe("reading what was just appended", () => {
  it("takes no other thread", async () => {
    await withStore(freshPath(), ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1), entry(2)])
        yield* log.append([entry(3)])
        // What another thread answers is not there at once.
        const atOnce = (after: number) => Effect.runSyncExit(log.read(0, Position.fromNumber(after), all))
        const found = atOnce(1)
        expect(Exit.isSuccess(found) ? found.value : []).toMatchObject([entry(2), entry(3)])
        expect(Exit.isSuccess(atOnce(3))).toBe(false)
        yield* log.trim(0, Position.fromNumber(2), Number.POSITIVE_INFINITY)
        expect(Exit.isSuccess(atOnce(1))).toBe(false)
        expect(Exit.isSuccess(atOnce(2))).toBe(true)
      }),
    )
  })

  it("keeps little but its bytes in memory", async () => {
    await withStore(freshPath(), ({ log }) =>
      Effect.gen(function* () {
        for (const [number, size] of [500, 900_000, 500, 20_000, 5_000, 3_000_000, 100_000].entries()) {
          for (let time = 0; time < 8; time++) yield* log.append([entry(8 * number + time, size)])
          const [read] = yield* log.read(0, Position.fromNumber(8 * number + 7), all)
          expect(read?.body).toHaveLength(size)
          expect(read?.body.buffer.byteLength).toBeLessThanOrEqual(size + 500)
        }
      }),
    )
  })

  type Read = Result.Result<ReadonlyArray<EventLog.LogEntry>, StoreError>

  /** The memory may end before the file does, where another process has appended next. */
  const expectSame = (read: Read, fromFile: Read) => {
    if (Result.isFailure(read) || Result.isFailure(fromFile)) return expect(read).toEqual(fromFile)
    expect(read.success).toEqual(fromFile.success.slice(0, read.success.length))
    expect(read.success.length > 0).toBe(fromFile.success.length > 0)
  }

  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        through: fc.nat({ max: 1 }),
        calls: fc.array(fc.array(fc.nat({ max: 20 }), { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        at: fc.nat({ max: 1000 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("trim" as const),
        through: fc.nat({ max: 1 }),
        released: fc.nat({ max: 20 }),
        olderThan: fc.nat({ max: 1000 }),
      }),
    },
  )

  it(
    "is reading it from the file, with every clock, every trim and two who append",
    { timeout: 120_000 },
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12, size: "max" }), limits, async (steps, limits) => {
          const path = freshPath()
          const options = { maxBytes: 2500 }
          const perform = (logs: ReadonlyArray<Log>, file: Log) =>
            Effect.gen(function* () {
              for (const one of steps) {
                const log = logs[one.through]!
                if (one.kind === "append") {
                  yield* TestClock.setTime(one.at)
                  yield* Effect.forEach(
                    one.calls,
                    (numbers) => Effect.exit(log.append(numbers.map((number) => entry(number, number * 10)))),
                    { concurrency: "unbounded" },
                  )
                } else yield* log.trim(0, Position.fromNumber(one.released), one.olderThan)
                const { head } = yield* file.bounds(0)
                for (let after = 0; after <= Position.toNumber(head); after++) {
                  const [expected, ...found] = yield* Effect.forEach([file, ...logs], (each) =>
                    Effect.result(each.read(0, Position.fromNumber(after), limits)),
                  )
                  for (const each of found) expectSame(each, expected!)
                }
              }
            }).pipe(Effect.provide(TestClock.layer()))
          // The last one never appends, so it has nothing in memory.
          await withStore(
            path,
            (one) =>
              Effect.promise(() =>
                withStore(
                  path,
                  (other) =>
                    Effect.promise(() =>
                      withStore(path, (file) => perform([one.log, other.log], file.log), options),
                    ),
                  options,
                ),
              ),
            options,
          )
        }),
        { numRuns: 15 },
      ),
  )
})
