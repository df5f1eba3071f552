import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { makeNameCounts } from "../../src/intake/nameCounts.ts"
import * as Counters from "../../src/ports/Counters.ts"

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
