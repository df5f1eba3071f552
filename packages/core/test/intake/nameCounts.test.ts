import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { makeNameCounts } from "../../src/intake/nameCounts.ts"
import * as Counters from "../../src/ports/Counters.ts"
import { StoreError } from "../../src/ports/StoreError.ts"

const unavailable = new StoreError({ reason: { _tag: "Unavailable" }, message: "no answer" })

const anHour = 60 * 60 * 1000

it("what waits to be written is bounded over all hours, and no event is uncounted", () =>
  Effect.gen(function* () {
    const written: Array<Counters.HourlyCount> = []
    const counters = Counters.Counters.of({
      add: (counts) => Effect.sync(() => void written.push(...counts)),
      list: () => Effect.succeed([]),
    })
    const hours = 4
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { add } = yield* makeNameCounts
        for (let hour = 0; hour < hours; hour++) {
          const names = Array.from({ length: 8_000 }, (_, n) => `name_${hour}_${n}`)
          yield* add([...names, "n".repeat(257)], hour * anHour)
        }
      }),
    ).pipe(Effect.provideService(Counters.Counters, counters))
    expect(written.reduce((sum, { count }) => sum + count, 0)).toBe(hours * 8_001)
    const names = written.filter(({ eventName }) => eventName !== Counters.otherNames)
    expect(names.length).toBeLessThanOrEqual(2 * Counters.limits.maxNamesPerHour)
    expect(names.length).toBeGreaterThan(2 * Counters.limits.maxNamesPerHour - hours)
    expect(Math.max(...names.map(({ eventName }) => eventName.length))).toBeLessThanOrEqual(256)
  }).pipe(Effect.runPromise))

it("many names are written in pieces, between which a store takes appends; what a piece fails for waits", () =>
  Effect.gen(function* () {
    const pieces: Array<number> = []
    const written: Array<Counters.HourlyCount> = []
    const counters = Counters.Counters.of({
      add: (counts) =>
        Effect.suspend(() => {
          pieces.push(counts.length)
          if (pieces.length === 3) return Effect.fail(unavailable)
          written.push(...counts)
          return Effect.void
        }),
      list: () => Effect.succeed([]),
    })
    const names = Array.from({ length: 1_001 }, (_, n) => `name_${n}`)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { add, flush } = yield* makeNameCounts
        yield* add([...names, ...names], 0)
        yield* flush
        expect(pieces).toEqual([200, 200, 200])
        yield* flush
      }),
    ).pipe(Effect.provideService(Counters.Counters, counters))
    expect(pieces).toEqual([200, 200, 200, 200, 200, 200, 1])
    expect(written.map(({ eventName, count }) => [eventName, count])).toEqual(names.map((name) => [name, 2]))
  }).pipe(Effect.runPromise))
