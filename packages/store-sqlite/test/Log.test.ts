import { createHash } from "node:crypto"
import { type EventLog, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { applicationId, migrations } from "../src/schema.ts"
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
          expect(error.reason._tag).toBe("Full")
          expect(yield* log.append([entry(1, 10)])).toEqual([Position.fromNumber(1)])
          expect(yield* readNumbers(log)).toEqual([1])
        }),
      { maxPages: 60 },
    )
  })
})

/** A file as the schema's first version had them: a row for each entry. */
const makeFirstVersion = (path: string, entries: ReadonlyArray<EventLog.NewEntry>): void => {
  const database = connect(path)
  database.exec(
    `${migrations[0]}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL`,
  )
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
  let [events, bytes] = [0, 0]
  for (const [index, entry] of entries.entries()) {
    const envelope = Buffer.from(entry.envelope)
    events += entry.events
    bytes += envelope.byteLength + entry.body.byteLength
    insert.run(index + 1, 1000 + index, entry.events, events, bytes, entry.id, envelope, entry.body)
  }
  database.close()
}

const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  Buffer.byteLength(envelope) + body.byteLength

/** Comparing large bodies byte by byte is slow in a test runner. */
const digest = ({ id, events, envelope, body }: EventLog.NewEntry) => ({
  id,
  events,
  envelope,
  body: createHash("sha1").update(body).digest("hex"),
})

/** How many of the entries a read within limits returns. */
const fitting = (entries: ReadonlyArray<EventLog.NewEntry>, limits: EventLog.ReadLimits): number => {
  let [count, bytes] = [0, 0]
  for (const entry of entries.slice(0, limits.maxEntries)) {
    bytes += sizeOf(entry)
    if (count > 0 && bytes > limits.maxBytes) break
    count += 1
  }
  return count
}

describe("rows", () => {
  // Up to more than one holds.
  const size = fc.oneof(
    { weight: 9, arbitrary: fc.nat({ max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 90_000, max: 300_000 }) },
  )
  const groups = fc.array(fc.array(size, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })

  it("of many entries, and of one as an older file has them, are the same log", { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(size, { maxLength: 4 }),
        groups,
        fc.nat(),
        fc.record({ maxEntries: fc.integer({ min: 1, max: 20 }), maxBytes: fc.nat({ max: 400_000 }) }),
        async (older, appends, trimmed, limits) => {
          const path = freshPath()
          let next = 0
          const make = (sizes: ReadonlyArray<number>) => sizes.map((bytes) => entry(next++, bytes))
          const first = make(older)
          const rest = appends.map(make)
          const stored = [...first, ...rest.flat()]
          if (first.length > 0) makeFirstVersion(path, first)
          const check = ({ log }: { readonly log: EventLog.EventLog["Service"] }, tail: number) =>
            Effect.gen(function* () {
              for (let after = tail; after <= stored.length; after++) {
                const position = Position.fromNumber(after)
                const upTo = stored.slice(0, after)
                expect(yield* log.stats(0, position)).toEqual({
                  entries: after,
                  events: after,
                  bytes: upTo.reduce((sum, one) => sum + sizeOf(one), 0),
                })
                const some = stored.slice(after, after + fitting(stored.slice(after), limits))
                const read = yield* log.read(0, position, limits)
                expect(read.map(({ position }) => position)).toEqual(
                  some.map((_, index) => Position.fromNumber(after + index + 1)),
                )
                expect(read.map(digest)).toEqual(some.map(digest))
              }
            })
          const tail = trimmed % (stored.length + 1)
          await withStore(path, ({ log }) =>
            Effect.gen(function* () {
              // Together: they share a transaction.
              yield* Effect.all(
                rest.map((entries) => log.append(entries)),
                { concurrency: "unbounded" },
              )
              yield* check({ log }, 0)
              yield* log.trim(0, Position.fromNumber(tail), Number.POSITIVE_INFINITY)
              yield* check({ log }, tail)
            }),
          )
          await withStore(path, ({ log }) =>
            Effect.gen(function* () {
              yield* check({ log }, tail)
              const positions = stored.map((_, index) => Position.fromNumber(index + 1))
              expect(yield* log.append([...stored, entry(next)])).toEqual([
                ...positions,
                Position.fromNumber(next + 1),
              ])
            }),
          )
        },
      ),
      { numRuns: 10 },
    ),
  )
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
