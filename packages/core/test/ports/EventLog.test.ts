import { EventLog } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"

const run = <A, E>(effect: Effect.Effect<A, E, EventLog.EventLog>, options?: EventLog.MemoryOptions) =>
  Effect.runPromise(Effect.provide(effect, EventLog.layerMemory(options)))

const entry = (id: string, body: Uint8Array): EventLog.NewEntry => ({ id, events: 1, envelope: "{}", body })

const all = { maxEntries: 1000, maxBytes: 1_000_000_000 }

describe("the memory log", () => {
  it("keeps bytes of its own, and gives away copies", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const body = new Uint8Array(300).fill(7)
        yield* log.append([entry("1", body)])
        body.fill(8)
        const [first] = yield* log.read(0, Position.origin, all)
        expect(first?.body).toEqual(new Uint8Array(300).fill(7))
        first?.body.fill(9)
        const [again] = yield* log.read(0, Position.origin, all)
        expect(again?.body).toEqual(new Uint8Array(300).fill(7))
      }),
    ))

  it("caps itself at 128 MB unless told", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const body = new Uint8Array(16 * 1024 * 1024 - 2)
        yield* log.append(Array.from({ length: 8 }, (_, index) => entry(String(index), body)))
        const full = yield* Effect.flip(log.append([entry("8", new Uint8Array(0))]))
        expect(full.reason._tag).toBe("Full")
      }),
    ))

  it("remembers an id for ten thousand entries", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const body = new Uint8Array(0)
        const [first] = yield* log.append([entry("first", body)])
        yield* log.append(Array.from({ length: 9999 }, (_, index) => entry(String(index), body)))
        expect(yield* log.append([entry("first", body)])).toEqual([first])
      }),
    ))

  it("drops by the thousand without losing its place", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const count = 10_000
        const positions = yield* log.append(
          Array.from({ length: count }, (_, index) => entry(String(index), new Uint8Array(1))),
        )
        for (const kept of [9000, 4999, 4998, 3, 2, 1, 0]) {
          const released = positions[count - kept - 1] ?? Position.origin
          yield* log.trim(0, released, Number.MAX_SAFE_INTEGER)
          expect((yield* log.read(0, released, { ...all, maxEntries: count })).map(({ id }) => id)).toEqual(
            Array.from({ length: kept }, (_, index) => String(count - kept + index)),
          )
          expect(yield* log.stats(0, released)).toEqual({
            entries: count - kept,
            events: count - kept,
            bytes: (count - kept) * 3,
          })
        }
      }),
    ))

  it("has one partition: another is a mistake of the program", async () => {
    await expect(
      run(
        Effect.gen(function* () {
          const log = yield* EventLog.EventLog
          return yield* log.append([], 1)
        }),
      ),
    ).rejects.toThrow(RangeError)
  })

  it("says that a position of another store is outside", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        yield* log.append([entry("a", new Uint8Array(1)), entry("b", new Uint8Array(1))])
        for (const strange of ["1", "1718000000000-0", "x", "000000000000001x"] as ReadonlyArray<string>) {
          const position = strange as Position.Position
          expect((yield* Effect.flip(log.read(0, position, all))).reason._tag).toBe("OutOfRange")
          expect((yield* Effect.flip(log.stats(0, position))).reason._tag).toBe("OutOfRange")
          yield* log.trim(0, position, Number.MAX_SAFE_INTEGER)
        }
        expect((yield* log.bounds(0)).tail).toBe(Position.origin)
      }),
    ))
})
