import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Entry from "../../src/entry/Entry.ts"
import * as DryRun from "../../src/operate/DryRun.ts"
import { EventLog, layerMemory } from "../../src/ports/EventLog.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import { compile, decodeSelection, type SelectionOptions } from "../../src/select/Destination.ts"

const run = <A, E>(effect: Effect.Effect<A, E, EventLog>) =>
  Effect.runPromise(Effect.provide(effect, Layer.provideMerge(layerMemory(), TestClock.layer())))

const encoder = new TextEncoder()

const select = (options: SelectionOptions) =>
  compile(Result.getOrThrow(decodeSelection(options)), null, () => Catalog.empty)

let entries = 0

/** One entry for each list of values, a millisecond apart. */
const append = Effect.fnUntraced(function* (...lists: ReadonlyArray<ReadonlyArray<number>>) {
  const log = yield* EventLog
  for (const values of lists) {
    entries += 1
    const id = entries.toString(16).padStart(32, "0")
    const events = values.map((value) => ({
      eventName: value < 0 ? "negative" : "n",
      time: 1,
      value,
      user: { userID: "u", email: "e" },
    }))
    const receivedAt = 1000 + entries
    const envelope = { receivedAt, dialect: "log_event", mode: "strict" } as const
    yield* log.append([Entry.encode(id, values.length, envelope, encoder.encode(JSON.stringify({ events })))])
    yield* TestClock.adjust(1)
  }
})

const dryRun = Effect.fnUntraced(function* (selection: SelectionOptions, options?: DryRun.DryRunOptions) {
  return yield* DryRun.run(yield* EventLog, select(selection), options)
})

const values = ({ examples }: DryRun.DryRun) => examples.map(({ value }) => Number(value))

describe("a dry run", () => {
  test("of an empty log has seen nothing", () =>
    run(
      Effect.gen(function* () {
        expect(yield* dryRun({})).toEqual({ looked: 0, passed: 0, unexportable: 0, names: [], examples: [] })
      }),
    ))

  test("counts what passes, by name, and shows the newest as they would be sent", () =>
    run(
      Effect.gen(function* () {
        yield* append([1, -1, 2], [3], [-2, 4])
        const selection = { filter: { where: { field: "value", gt: -2 } }, fields: { drop: ["user.email"] } }
        const found = yield* dryRun(selection, { examples: 2 })
        expect(found).toMatchObject({
          looked: 6,
          passed: 5,
          unexportable: 0,
          names: [
            { eventName: "n", looked: 4, passed: 4 },
            { eventName: "negative", looked: 2, passed: 1 },
          ],
        })
        expect(values(found)).toEqual([3, 4])
        expect(found.examples[1]).toMatchObject({ eventName: "n", user: { userID: "u" }, userID: "u" })
        expect(found.examples[1]?.user).not.toHaveProperty("email")
      }),
    ))

  test("tells of a transform that fails", () =>
    run(
      Effect.gen(function* () {
        yield* append([1, 2, 3])
        const transform = <A extends { readonly value: string }>(event: A): A => {
          if (event.value === "2") throw new Error("two")
          return event
        }
        const found = yield* dryRun({ transform })
        expect(found).toMatchObject({ looked: 3, passed: 3, unexportable: 1 })
        expect(values(found)).toEqual([1, 3])
      }),
    ))

  test("looks at exactly the newest events, wherever they lie in entries and time", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        (sizes, limit) =>
          run(
            Effect.gen(function* () {
              let next = 0
              yield* append(...sizes.map((size) => Array.from({ length: size }, () => next++)))
              const found = yield* dryRun({}, { limit, examples: 100 })
              const expected = Array.from({ length: next }, (_, value) => value).slice(-limit)
              expect(found.looked).toBe(expected.length)
              expect(values(found)).toEqual(expected)
            }),
          ),
      ),
      { numRuns: 60 },
    ))

  test("reads little of a long log", () =>
    run(
      Effect.gen(function* () {
        yield* append(...Array.from({ length: 3000 }, (_, value) => [value]))
        const log = yield* EventLog
        let read = 0
        const counting: EventLog["Service"] = {
          ...log,
          read: (partition, after, limits) =>
            Effect.tap(log.read(partition, after, limits), (found) =>
              Effect.sync(() => {
                read += found.length
              }),
            ),
        }
        const found = yield* DryRun.run(counting, select({}), { limit: 10 })
        expect(found.looked).toBe(10)
        expect(read).toBeLessThanOrEqual(20)
      }),
    ))

  test("goes on with what is left when the log is trimmed under it", () =>
    run(
      Effect.gen(function* () {
        yield* append([1], [2], [3])
        const log = yield* EventLog
        const { head } = yield* log.bounds(0)
        const [, second] = yield* log.read(0, (yield* log.bounds(0)).tail, { maxEntries: 9, maxBytes: 1e6 })
        let first = true
        const trimming: EventLog["Service"] = {
          ...log,
          read: (partition, after, limits) =>
            Effect.suspend(() => {
              const trim = first ? log.trim(0, second!.position, Number.MAX_SAFE_INTEGER) : Effect.void
              first = false
              return Effect.andThen(trim, log.read(partition, after, limits))
            }),
        }
        const found = yield* DryRun.run(trimming, select({}))
        expect(values(found)).toEqual([3])
        expect((yield* log.bounds(0)).head).toBe(head)
      }),
    ))

  test("takes any limit for a sensible one", () =>
    run(
      Effect.gen(function* () {
        yield* append([1, 2])
        expect((yield* dryRun({}, { limit: 0 })).looked).toBe(1)
        expect((yield* dryRun({}, { limit: Number.NaN })).looked).toBe(2)
        expect((yield* dryRun({}, { limit: 1e9, examples: -1 })).examples).toEqual([])
      }),
    ))
})
