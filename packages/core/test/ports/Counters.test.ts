import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import * as Counters from "../../src/ports/Counters.ts"

const anHour = 60 * 60 * 1000

it("the memory's counters keep within their bytes: the names of the oldest hours are counted together", () =>
  Effect.gen(function* () {
    const port = yield* Counters.Counters
    const now = Math.floor(Date.now() / anHour) * anHour
    const hours = 24
    const names = 10_000
    for (let hour = 0; hour < hours; hour++) {
      yield* port.add(
        Array.from({ length: names }, (_, n) => ({
          ...{ hour: now - (hours - hour) * anHour, count: 2 },
          eventName: `order_${hour}_${n}_`.padEnd(60, "x"),
        })),
      )
    }
    const counts = yield* port.list(0, now)
    const bytes = counts.reduce((sum, { eventName }) => sum + 48 + eventName.length * 2, 0)
    expect(bytes).toBeLessThanOrEqual(Counters.limits.maxBytesInMemory)
    // No event is uncounted.
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(hours * names * 2)
    const ofHour = (hour: number) => counts.filter((one) => one.hour === now - (hours - hour) * anHour)
    expect(ofHour(0)).toEqual([
      { hour: now - hours * anHour, eventName: Counters.otherNames, count: names * 2 },
    ])
    expect(ofHour(hours - 1)).toHaveLength(names)
  }).pipe(Effect.provide(Counters.layerMemory()), Effect.runPromise))
