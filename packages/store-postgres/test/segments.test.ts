import { type EventLog, Position } from "@millrace/core/store"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { withClient } from "./support/server.ts"
import { entry, follow, freshOptions, idOf, numbered, numberOf, open, run } from "./support/store.ts"

const never = Number.MAX_SAFE_INTEGER

/** Bytes of an entry of `entry`, its envelope included. */
const size = 120

const sized = (number: number): EventLog.NewEntry => {
  const { envelope, ...rest } = entry(number)
  return { ...rest, envelope, body: new Uint8Array(size - envelope.length) }
}

/** Bytes on disk of all segments' tables, their indexes aside. */
const sizeOnDisk = (schema: string): Promise<number> =>
  withClient(async (client) => {
    const { rows } = await client.query<{ size: number }>(
      `SELECT sum(pg_table_size(oid))::float8 AS size FROM pg_class
       WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' AND relname ~ '^(bodies|entries)_\\d+$'`,
      [schema],
    )
    return rows[0]?.size ?? Number.NaN
  })

/** Trims until what was trimmed takes no more room than this. */
const trimUntil = Effect.fnUntraced(function* (
  log: EventLog.EventLog["Service"],
  schema: string,
  bytes: number,
) {
  for (;;) {
    yield* log.trim(0, (yield* log.bounds(0)).head, never)
    if ((yield* Effect.promise(() => sizeOnDisk(schema))) <= bytes) return
  }
})

const append = (log: EventLog.EventLog["Service"], from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
    (number) => log.append([sized(number)]),
  )

await describeStore("segments of the log", servers.postgres, () => {
  describe("segments of the log", () => {
    it("give their room back when they have been trimmed", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log } = yield* open(options, { segmentBytes: 1_000_000 })
          const empty = yield* Effect.promise(() => sizeOnDisk(options.schema))
          for (let round = 0; round < 3; round++) {
            for (let call = 0; call < 4; call++) {
              yield* log.append(
                Array.from({ length: 20 }, (_, index) => ({
                  ...entry(round * 100 + call * 20 + index, 30_000),
                  // Bytes that cannot be compressed.
                  body: crypto.getRandomValues(new Uint8Array(30_000)),
                })),
              )
            }
            expect(yield* Effect.promise(() => sizeOnDisk(options.schema))).toBeGreaterThan(2_000_000)
            yield* trimUntil(log, options.schema, empty + 100_000)
            expect((yield* log.bounds(0)).bytes).toBe(0)
          }
        }),
      ))

    it("grow when none is free, and lose nothing", () =>
      run(
        Effect.gen(function* () {
          const { log } = yield* open(freshOptions(), { segmentBytes: size })
          yield* append(log, 1, 60)
          expect((yield* follow(log, 60)).map(numberOf)).toEqual(
            Array.from({ length: 60 }, (_, index) => index + 1),
          )
          // Around the ring, through what all segments hold.
          const at = yield* numbered(log)
          for (let number = 5; number <= 60; number += 5) {
            yield* log.trim(0, at(number), never)
            yield* append(log, 56 + number, 60 + number)
            const kept = yield* follow(log, 60, at(number))
            expect(kept.map(numberOf)).toEqual(Array.from({ length: 60 }, (_, index) => number + 1 + index))
            expect((yield* log.stats(0, at(number + 30))).bytes).toBe((number + 30) * size)
          }
        }),
      ))

    it("do not hold up appends and reads while somebody reads them for long", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log } = yield* open(options, { segmentBytes: size })
          yield* append(log, 1, 5)
          const at = yield* numbered(log)
          const empty = (schema: string) =>
            withClient(async (client) => {
              const { rows } = await client.query<{ used: number }>(
                `SELECT count(first_position)::int AS used FROM "${schema}".segments`,
              )
              return rows[0]?.used ?? Number.NaN
            })
          yield* Effect.promise(() =>
            withClient(async (reader) => {
              await reader.query("BEGIN")
              await reader.query(`SELECT count(*) FROM "${options.schema}".entries`)
              await reader.query(`SELECT count(*) FROM "${options.schema}".bodies`)
              await run(
                Effect.gen(function* () {
                  const { log: other } = yield* open(options, { segmentBytes: size })
                  yield* other.trim(0, at(5), never)
                  yield* append(other, 6, 30)
                  expect((yield* follow(other, 25, at(5))).map(numberOf)).toEqual(
                    Array.from({ length: 25 }, (_, index) => 6 + index),
                  )
                  yield* other.trim(0, at(29), never)
                }),
              )
              expect(await empty(options.schema)).toBe(8)
              await reader.query("COMMIT")
            }),
          )
          while ((yield* Effect.promise(() => empty(options.schema))) > 2) {
            yield* log.trim(0, at(29), never)
          }
          expect((yield* follow(log, 1, at(29))).map(numberOf)).toEqual([30])
        }),
      ))

    it("change under appends of several openings, and all is there once, in one order", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const openings = [
            yield* open(options, { segmentBytes: 3 * size }),
            yield* open(options, { segmentBytes: 3 * size }),
          ]
          const perAppender = 60
          const appenders = 6
          const follower = follow(openings[0]!.log, appenders * perAppender)
          const appending = Effect.forEach(
            Array.from({ length: appenders }, (_, appender) => appender),
            (appender) =>
              append(
                openings[appender % 2]!.log,
                appender * perAppender,
                appender * perAppender + perAppender - 1,
              ),
            { concurrency: "unbounded" },
          )
          const [followed, positions] = yield* Effect.all([follower, appending], {
            concurrency: "unbounded",
          })
          expect(followed.map(({ position }) => Position.parse(position)?.number)).toEqual(
            Array.from({ length: appenders * perAppender }, (_, index) => index + 1),
          )
          expect(new Map(followed.map(({ id, position }) => [id, position]))).toEqual(
            new Map(positions.flat().map(([position], number) => [idOf(number), position])),
          )
        }),
      ))

    it("hold what a plain list holds after any sequence of appends and trims", async () => {
      const step = fc.oneof(
        { weight: 3, arbitrary: fc.record({ append: fc.array(fc.nat({ max: 300 }), { maxLength: 8 }) }) },
        { weight: 2, arbitrary: fc.record({ trim: fc.nat({ max: 12 }) }) },
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 30, size: "max" }),
          fc.integer({ min: 1, max: 500 }),
          (steps, segmentBytes) =>
            run(
              Effect.gen(function* () {
                const { log } = yield* open(freshOptions(), { segmentBytes })
                const expected: Array<number> = []
                let dropped = 0
                for (const one of steps) {
                  if ("append" in one) {
                    yield* log.append(one.append.map(sized))
                    for (const number of one.append) if (!expected.includes(number)) expected.push(number)
                  } else {
                    const at = yield* numbered(log)
                    dropped = Math.min(dropped + one.trim, expected.length)
                    yield* log.trim(0, at(dropped), never)
                  }
                  const at = yield* numbered(log)
                  const { tail, head, bytes } = yield* log.bounds(0)
                  expect([tail, head, bytes]).toEqual([
                    at(dropped),
                    at(expected.length),
                    (expected.length - dropped) * size,
                  ])
                  const kept = yield* log.read(0, tail, { maxEntries: 1000, maxBytes: 1_000_000 })
                  expect(kept.map(numberOf)).toEqual(expected.slice(dropped))
                  const middle = Math.floor((dropped + expected.length) / 2)
                  const page = { maxEntries: 5, maxBytes: 3 * size }
                  expect((yield* log.read(0, at(middle), page)).map(numberOf)).toEqual(
                    expected.slice(middle, middle + 3),
                  )
                  expect((yield* log.stats(0, at(middle))).bytes).toBe(middle * size)
                }
              }),
            ),
        ),
        { numRuns: 15 },
      )
    }, 120_000)
  })
})
