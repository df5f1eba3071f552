import { Counters } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { never } from "./entries.ts"
import { type Suite, start } from "./suite.ts"

const anHour = 60 * 60 * 1000

export const counted = (hour: number, eventName: string, count: number): Counters.HourlyCount => ({
  hour: start + hour * anHour,
  eventName,
  count,
})

export const counters = ({ check }: Suite): void => {
  check("adds to what is there, by hour and name", (open) =>
    Effect.gen(function* () {
      const { counters: port } = yield* open()
      expect(yield* port.list(0, never)).toEqual([])
      yield* port.add([counted(1, "b", 2), counted(0, "b", 1), counted(1, "b", 3), counted(1, "B", 1)])
      yield* port.add([])
      yield* port.add([counted(1, "b", 10), counted(1, 'it\'s "é" % 🚀', 4)])
      expect(yield* port.list(0, never)).toEqual([
        counted(0, "b", 1),
        counted(1, "B", 1),
        counted(1, "b", 15),
        counted(1, 'it\'s "é" % 🚀', 4),
      ])
    }),
  )

  check("lists the hours from a time up to before another", (open) =>
    Effect.gen(function* () {
      const { counters: port } = yield* open()
      yield* port.add([0, 1, 2, 3].map((hour) => counted(hour, "a", hour + 1)))
      expect(yield* port.list(start + anHour, start + 3 * anHour)).toEqual([
        counted(1, "a", 2),
        counted(2, "a", 3),
      ])
      expect(yield* port.list(start + anHour, start + anHour)).toEqual([])
    }),
  )

  check("many that add at once are all counted", (open) =>
    Effect.gen(function* () {
      const { counters: port } = yield* open()
      yield* Effect.all(
        Array.from({ length: 50 }, () => port.add([counted(0, "a", 1), counted(0, "b", 2)])),
        { concurrency: "unbounded" },
      )
      expect(yield* port.list(0, never)).toEqual([counted(0, "a", 50), counted(0, "b", 100)])
    }),
  )

  check("counts names past its limit in an hour together", (open) =>
    Effect.gen(function* () {
      const { counters: port } = yield* open()
      const { maxNamesPerHour } = Counters.limits
      yield* port.add(Array.from({ length: maxNamesPerHour }, (_, index) => counted(0, `name-${index}`, 1)))
      yield* port.add([
        counted(0, "late", 2),
        counted(0, "name-7", 5),
        counted(0, "later", 3),
        counted(1, "late", 1),
      ])
      const found = yield* port.list(0, never)
      const of = (hour: number, eventName: string) =>
        found.find((one) => one.hour === start + hour * anHour && one.eventName === eventName)?.count
      expect(found).toHaveLength(maxNamesPerHour + 2)
      expect(of(0, Counters.otherNames)).toBe(5)
      expect(of(0, "name-7")).toBe(6)
      expect(of(0, "late")).toBeUndefined()
      expect(of(1, "late")).toBe(1)
    }),
  )

  check("keeps hours no longer than its limit of age", (open) =>
    Effect.gen(function* () {
      const { counters: port } = yield* open()
      yield* port.add([counted(0, "a", 1)])
      yield* TestClock.adjust(Counters.limits.maxAge + anHour)
      const now = counted(Counters.limits.maxAge / anHour + 1, "a", 1)
      yield* port.add([now])
      expect(yield* port.list(0, never)).toEqual([now])
    }),
  )
}
