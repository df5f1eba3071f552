import type { EventLog } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import {
  all,
  appendOne,
  bytes,
  content,
  entries,
  entry,
  idOf,
  ids,
  never,
  readAll,
  sizeOf,
} from "./entries.ts"
import type { Suite } from "./suite.ts"

export const appending = ({ check }: Suite): void => {
  check("a fresh log is empty, and begins at the origin", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      expect(["memory", "disk", "replicated"]).toContain(log.durability)
      expect(log.partitions).toBeGreaterThanOrEqual(1)
      expect(yield* log.bounds(0)).toEqual({
        tail: Position.origin,
        head: Position.origin,
        bytes: 0,
        oldestAt: null,
      })
      expect(yield* log.read(0, Position.origin, all)).toEqual([])
      expect(yield* log.stats(0, Position.origin)).toEqual({ entries: 0, events: 0, bytes: 0 })
    }),
  )

  check("entries come back in the order of their appends, byte for byte", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
      const added: ReadonlyArray<EventLog.NewEntry> = [
        entry(1),
        { id: idOf(2), events: 0, envelope: "{}", body: new Uint8Array(0) },
        { id: idOf(3), events: 256, envelope: `{"q":"'\\"\\n\\u0000 % _ $1"}`, body: everyByte },
        { id: idOf(4), events: 1, envelope: '{"name":"größe 🚀"}', body: bytes('{"ß":"🚀"}') },
      ]
      const positions = [...(yield* log.append(added.slice(0, 3))), ...(yield* log.append(added.slice(3)))]
      const found = yield* log.read(0, Position.origin, all)

      expect(found.map(content)).toEqual(added.map(content))
      expect([...(found[2]?.body ?? [])]).toEqual([...everyByte])
      expect(found.map(({ position }) => position)).toEqual(positions)
      expect([...positions].sort()).toEqual(positions)
      expect(new Set(positions).size).toBe(4)
      expect((yield* log.bounds(0)).head).toBe(positions[3])
    }),
  )

  check("appending nothing changes nothing", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      expect(yield* log.append([])).toEqual([])
      expect((yield* log.bounds(0)).head).toBe(Position.origin)
    }),
  )

  check("the caller's buffers stay the caller's, also when bodies share one", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const slab = Uint8Array.from({ length: 64 * 1024 }, (_, index) => index % 251)
      const before = slab.slice()
      const added = [0, 1000, 60_000].map(
        (offset, index): EventLog.NewEntry => ({
          id: idOf(index),
          events: 1,
          envelope: "{}",
          body: slab.subarray(offset, offset + 500),
        }),
      )
      yield* log.append(added)
      expect(slab.byteLength).toBe(64 * 1024)
      expect(Buffer.compare(slab, before)).toBe(0)
      const found = yield* log.read(0, Position.origin, all)
      expect(found.map(({ body }) => [...body])).toEqual(added.map(({ body }) => [...body]))
    }),
  )

  check("an entry of 10 MB is kept whole, beside small ones", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const large = entry(2, { size: 10 * 1024 * 1024 })
      for (let index = 0; index < large.body.length; index += 997) large.body[index] = index % 256
      yield* log.append([entry(1), large, entry(3)])
      const found = yield* log.read(0, Position.origin, all)
      expect(ids(found)).toEqual([idOf(1), idOf(2), idOf(3)])
      expect(Buffer.compare(found[1]?.body ?? new Uint8Array(0), large.body)).toBe(0)
    }),
  )

  check("an id that comes again keeps its first position and content", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const changed = { ...entry(1), events: 7, body: bytes("other") }
      const [first, again, second] = yield* log.append([entry(1), changed, entry(2)])
      expect(again).toBe(first)
      expect(yield* log.append([entry(3), changed, entry(2)])).toEqual([expect.anything(), first, second])

      const found = yield* log.read(0, Position.origin, all)
      expect(found.map(content)).toEqual([entry(1), entry(2), entry(3)].map(content))
      expect((yield* log.stats(0, (yield* log.bounds(0)).head)).events).toBe(3)
    }),
  )

  check("an id is known for a thousand entries, also when its entry has been trimmed", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const first = yield* appendOne(log, entry(0))
      yield* log.append(entries(1, 999))
      expect(yield* appendOne(log, entry(0))).toBe(first)
      const { head } = yield* log.bounds(0)
      yield* log.trim(0, head, never)
      expect(yield* appendOne(log, entry(0))).toBe(first)
      expect((yield* log.bounds(0)).head).toBe(head)
    }),
  )

  check("the same entry from many at once is stored once", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const positions = yield* Effect.all(
        Array.from({ length: 20 }, () => appendOne(log, entry(1))),
        { concurrency: "unbounded" },
      )
      expect(new Set(positions).size).toBe(1)
      expect(yield* log.read(0, Position.origin, all)).toHaveLength(1)
    }),
  )

  check(
    "of many that append at once, everything acknowledged is there once, in an order no reader sees change",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const appenders = 32
        const calls = 25
        const perCall = 3
        const total = appenders * calls * perCall

        const append = (appender: number) =>
          Effect.gen(function* () {
            const acknowledged: Array<readonly [EventLog.EntryId, Position.Position]> = []
            for (let call = 0; call < calls; call++) {
              const first = (appender * calls + call) * perCall
              const added = entries(first, first + perCall - 1)
              const positions = yield* log.append(added)
              for (const [index, { id }] of added.entries())
                acknowledged.push([id, positions[index] ?? Position.origin])
              // Lets the others in, where the store itself never waits.
              yield* Effect.yieldNow
            }
            return acknowledged
          })

        const follow = Effect.gen(function* () {
          const seen: Array<EventLog.LogEntry> = []
          let after = Position.origin
          while (seen.length < total) {
            yield* log.wait(0, after)
            const page = yield* log.read(0, after, { maxEntries: 50, maxBytes: 1_000_000 })
            expect(page.length).toBeGreaterThan(0)
            seen.push(...page)
            after = page.at(-1)?.position ?? after
          }
          return seen
        })

        const follower = yield* Effect.forkChild(follow)
        const acknowledged = yield* Effect.all(
          Array.from({ length: appenders }, (_, appender) => append(appender)),
          { concurrency: "unbounded" },
        )
        const followed = yield* Fiber.join(follower)
        const found = yield* readAll(log)

        // A position that appeared behind the follower would be in `found` only.
        expect(followed.map(({ position }) => position)).toEqual(found.map(({ position }) => position))
        const positions = found.map(({ position }) => position)
        expect([...positions].sort()).toEqual(positions)
        expect(new Set(positions).size).toBe(total)
        expect(new Map(found.map(({ id, position }) => [id, position]))).toEqual(new Map(acknowledged.flat()))
        for (const own of acknowledged) {
          const inOrder = own.map(([, position]) => position)
          expect([...inOrder].sort()).toEqual(inOrder)
        }
      }),
  )

  check("an append that is interrupted has happened whole or not at all, and can be made again", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      for (let round = 0; round < 30; round++) {
        const added = entries(round * 10, round * 10 + 2)
        const fiber = yield* Effect.forkChild(log.append(added), { startImmediately: true })
        if (round % 2 === 1) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const found = ids(yield* readAll(log)).slice(round * 3)
        expect([[], ids(added)]).toContainEqual(found)
        const positions = yield* log.append(added)
        expect((yield* readAll(log)).slice(round * 3).map(({ position }) => position)).toEqual(positions)
      }
    }),
  )

  check("the entries of one call stand together", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const calls = Array.from({ length: 20 }, (_, call) => entries(call * 10, call * 10 + 9))
      yield* Effect.all(
        calls.map((added) => log.append(added)),
        { concurrency: "unbounded" },
      )
      const found = ids(yield* readAll(log))
      for (const added of calls) {
        const first = found.indexOf(added[0]?.id ?? "")
        expect(found.slice(first, first + 10)).toEqual(ids(added))
      }
    }),
  )

  check(
    "a full log refuses a call whole, and still knows what it has",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 1000 })
        const positions = yield* log.append(entries(1, 9, 100))

        const full = yield* Effect.flip(log.append([entry(10, { size: 50 }), entry(11, { size: 100 })]))
        expect(full.reason._tag).toBe("Full")
        expect(ids(yield* readAll(log))).toEqual(ids(entries(1, 9)))
        expect(yield* appendOne(log, entry(5, { size: 100 }))).toBe(positions[4])

        yield* log.append([entry(10, { size: 100 })])
        expect((yield* log.bounds(0)).bytes).toBe(1000)
        expect((yield* Effect.flip(log.append([entry(12, { size: 50 })]))).reason._tag).toBe("Full")
      }),
    "capped",
  )

  check(
    "one entry larger than the cap is refused",
    (open) =>
      Effect.gen(function* () {
        const { log } = yield* open({ maxBytes: 1000 })
        const full = yield* Effect.flip(log.append([entry(1, { size: 1001 })]))
        expect(full.reason._tag).toBe("Full")
        yield* log.append([entry(2, { size: 1000 })])
      }),
    "capped",
  )

  check("counts envelopes and bodies as its bytes", (open) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const added = [entry(1), entry(2, { size: 5000 }), { ...entry(3), body: new Uint8Array(0) }]
      yield* log.append(added)
      const expected = added.reduce((sum, one) => sum + sizeOf(one), 0)
      const { bytes: kept, head } = yield* log.bounds(0)
      expect(kept).toBe(expected)
      expect((yield* log.stats(0, head)).bytes).toBe(expected)
    }),
  )
}
