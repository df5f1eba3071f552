import { DeadLetters } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { never } from "./entries.ts"
import { type Ports, type Suite, start } from "./suite.ts"

const idOf = (number: number): string => `00000000-0000-1000-8000-${String(number).padStart(12, "0")}`

/** Died `number` seconds after `start`. */
export const letter = (
  number: number,
  changes: Partial<DeadLetters.DeadLetter> = {},
): DeadLetters.DeadLetter => ({
  destination: "warehouse",
  eventId: idOf(number),
  reason: "refused",
  message: "422 Unprocessable Content",
  status: 422,
  deadAt: start + number * 1000,
  receivedAt: start,
  eventName: "page_view",
  event: `{"eventName":"page_view","n":${number}}`,
  replayedAt: null,
  ...changes,
})

const letters = (from: number, to: number, changes: Partial<DeadLetters.DeadLetter> = {}) =>
  Array.from({ length: to - from + 1 }, (_, index) => letter(from + index, changes))

/** The numbers of letters, in their order. */
const numbers = (found: ReadonlyArray<DeadLetters.DeadLetter>): ReadonlyArray<number> =>
  found.map(({ eventId }) => Number(eventId.slice(-12)))

const down = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index)

const pages = (
  port: Ports["deadLetters"],
  query: DeadLetters.DeadLetterQuery,
  between = Effect.void as Effect.Effect<void, unknown>,
) =>
  Effect.gen(function* () {
    const found: Array<ReadonlyArray<number>> = []
    let next: string | null = null
    do {
      const page: DeadLetters.DeadLetterPage = yield* port.list(
        next === null ? query : { ...query, after: next },
      )
      found.push(numbers(page.letters))
      next = page.next
      yield* between
    } while (next !== null)
    return found
  })

export const deadLetters = ({ check }: Suite): void => {
  check("gives letters back as they were put, the newest first", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      expect(yield* port.list({})).toEqual({ letters: [], next: null })
      const put = [
        letter(1),
        letter(2, { destination: DeadLetters.intake, reason: "invalid", status: null, eventName: "" }),
        letter(3, {
          reason: "expired",
          message: `it's "quoted" % 🚀`,
          event: `{"é":"\\u0000"}`,
          replayedAt: start,
        }),
        letter(4, { reason: "poison", status: 500, event: "x".repeat(100_000) }),
        letter(5, { reason: "too-large", status: 413 }),
      ]
      yield* port.put(put.slice(0, 2))
      yield* port.put([])
      yield* port.put(put.slice(2))
      expect(yield* port.list({})).toEqual({ letters: [...put].reverse(), next: null })
    }),
  )

  check("is an upsert by destination and event id: the newest wins", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put([letter(1, { replayedAt: start }), letter(2), letter(1, { destination: "lake" })])
      const again = letter(1, { reason: "poison", status: null, deadAt: start + 9000, event: "{}" })
      yield* port.put([letter(1, { deadAt: start + 8000 }), again])
      expect((yield* port.list({ destination: "warehouse" })).letters).toEqual([again, letter(2)])
      expect((yield* port.list({ destination: "lake" })).letters).toEqual([
        letter(1, { destination: "lake" }),
      ])
      expect(yield* port.count).toEqual(
        new Map([
          ["warehouse", 2],
          ["lake", 1],
        ]),
      )
    }),
  )

  check("lists a hundred unless told, of one destination or of all", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put(letters(1, 150))
      yield* port.put(letters(151, 160, { destination: "lake" }))
      expect(numbers((yield* port.list({})).letters)).toEqual(down(160, 61))
      expect(numbers((yield* port.list({ limit: 3 })).letters)).toEqual([160, 159, 158])
      expect(numbers((yield* port.list({ destination: "warehouse", limit: 2 })).letters)).toEqual([150, 149])
      expect(yield* port.list({ destination: "nobody" })).toEqual({ letters: [], next: null })
    }),
  )

  check("pages through all once, and the last page says that it is the last", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      // A batch that expires dies at one moment.
      yield* port.put(letters(1, 20, { deadAt: start }))
      yield* port.put(letters(21, 25, { destination: "lake", deadAt: start }))
      const query = { destination: "warehouse", limit: 8 }
      const found = yield* pages(port, query)
      expect(found.map((page) => page.length)).toEqual([8, 8, 4])
      expect([...found.flat()].sort((a, b) => b - a)).toEqual(down(20, 1))
      // No empty page behind a page that happens to be full.
      expect(
        (yield* pages(port, { destination: "warehouse", limit: 10 })).map((page) => page.length),
      ).toEqual([10, 10])
      expect((yield* pages(port, { limit: 10 })).flat()).toHaveLength(25)
    }),
  )

  check("new letters do not shift the pages that follow", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put(letters(1, 20))
      let newest = 20
      const arrive = Effect.suspend(() => {
        newest += 3
        return port.put(letters(newest - 2, newest))
      })
      const found = yield* pages(port, { limit: 5 }, arrive)
      expect(found).toEqual([down(20, 16), down(15, 11), down(10, 6), down(5, 1)])
    }),
  )

  check("purging while somebody pages skips nothing that is left", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put(letters(1, 20))
      const first = yield* port.list({ limit: 5 })
      yield* port.purge({ eventIds: [16, 15, 3].map(idOf) })
      const rest = yield* pages(port, { limit: 10, ...(first.next === null ? {} : { after: first.next }) })
      expect(rest.flat()).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2, 1])
    }),
  )

  check("lists nothing behind a place that no page has given, and stays well", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put(letters(1, 3))
      for (const after of ["nowhere", "", "NaN", "-1", "1.5", "1e3", " 3", "0x3", "9".repeat(40), "\ud800"]) {
        expect([after, yield* port.list({ after })]).toEqual([after, { letters: [], next: null }])
      }
      expect(numbers((yield* port.list({})).letters)).toEqual([3, 2, 1])
    }),
  )

  check("counts each destination that has any", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      expect(yield* port.count).toEqual(new Map())
      yield* port.put(letters(1, 3))
      yield* port.put(letters(1, 2, { destination: DeadLetters.intake }))
      expect(yield* port.count).toEqual(
        new Map([
          ["warehouse", 3],
          [DeadLetters.intake, 2],
        ]),
      )
      yield* port.purge({ destination: "warehouse" })
      expect(yield* port.count).toEqual(new Map([[DeadLetters.intake, 2]]))
    }),
  )

  const selections: ReadonlyArray<readonly [string, DeadLetters.DeadLetterSelection, ReadonlyArray<string>]> =
    [
      ["all", {}, ["w1", "w2", "w3", "w4", "l1", "l2"]],
      ["a destination", { destination: "lake" }, ["l1", "l2"]],
      ["an unknown destination", { destination: "nobody" }, []],
      ["event ids", { eventIds: [idOf(1), idOf(4), idOf(77)] }, ["w1", "w4", "l1"]],
      ["no event ids", { eventIds: [] }, []],
      ["those before a time", { before: start + 3000 }, ["w1", "w2", "l1", "l2"]],
      [
        "event ids of a destination before a time",
        { destination: "warehouse", eventIds: [idOf(1), idOf(3)], before: start + 3000 },
        ["w1"],
      ],
    ]

  const short = ({ destination, eventId }: DeadLetters.DeadLetter): string =>
    `${destination.charAt(0)}${Number(eventId.slice(-12))}`

  for (const [name, selection, selected] of selections) {
    check(`marks as replayed and purges: ${name}`, (open) =>
      Effect.gen(function* () {
        const { deadLetters: port } = yield* open()
        yield* port.put([...letters(1, 4), ...letters(1, 2, { destination: "lake" })])
        const before = (yield* port.list({})).letters

        expect(yield* port.markReplayed(selection, start + 60_000)).toBe(selected.length)
        const marked = (yield* port.list({})).letters
        expect(marked).toEqual(
          before.map((one) => (selected.includes(short(one)) ? { ...one, replayedAt: start + 60_000 } : one)),
        )

        expect(yield* port.purge(selection)).toBe(selected.length)
        expect((yield* port.list({})).letters).toEqual(marked.filter((one) => !selected.includes(short(one))))
        expect(yield* port.purge(selection)).toBe(0)
      }),
    )
  }

  check("takes a selection of thousands", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      const count = 40_000
      for (let first = 1; first <= count; first += 5000)
        yield* port.put(letters(first, first + 4999, { deadAt: start }))
      const eventIds = Array.from({ length: count - 1 }, (_, index) => idOf(index + 1))
      expect(yield* port.markReplayed({ eventIds }, start)).toBe(count - 1)
      expect(yield* port.purge({ destination: "warehouse", eventIds })).toBe(count - 1)
      expect(numbers((yield* port.list({})).letters)).toEqual([count])
    }),
  )

  check("keeps at most its limit of letters, the oldest going first", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      const total = DeadLetters.limits.maxCount + 50
      yield* port.put(letters(1, 3, { destination: DeadLetters.intake, deadAt: start }))
      for (let first = 1; first <= total; first += 5000) {
        yield* port.put(letters(first, Math.min(first + 4999, total), { deadAt: start, event: "{}" }))
      }
      expect(yield* port.count).toEqual(
        new Map([
          [DeadLetters.intake, 3],
          ["warehouse", DeadLetters.limits.maxCount],
        ]),
      )
      const gone = Array.from({ length: 50 }, (_, index) => idOf(index + 1))
      expect(yield* port.purge({ destination: "warehouse", eventIds: gone })).toBe(0)
    }),
  )

  check("letters of intake push out one another, and never those of a destination", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      const { intake, limits } = DeadLetters
      yield* port.put(letters(1, 10, { deadAt: start }))
      const total = limits.maxIntakeCount * 2 + 50
      for (let first = 1; first <= total; first += 2500) {
        const last = Math.min(first + 2499, total)
        yield* port.put(letters(first, last, { destination: intake, deadAt: start, event: "{}" }))
      }
      yield* port.put(letters(11, 12, { deadAt: start }))
      expect(yield* port.count).toEqual(
        new Map([
          ["warehouse", 12],
          [intake, limits.maxIntakeCount],
        ]),
      )
      expect(numbers((yield* port.list({ destination: "warehouse" })).letters)).toEqual(down(12, 1))
      expect(numbers((yield* port.list({ destination: intake, limit: 2 })).letters)).toEqual([
        total,
        total - 1,
      ])
      const kept = total - limits.maxIntakeCount + 1
      expect(yield* port.purge({ destination: intake, eventIds: [idOf(kept - 1), idOf(kept)] })).toBe(1)
      // Pages go through both, the last put first.
      const page = yield* port.list({ limit: 3 })
      expect(numbers(page.letters)).toEqual([12, 11, total])
    }),
  )

  check("keeps letters no longer than its limit of age", (open) =>
    Effect.gen(function* () {
      const { deadLetters: port } = yield* open()
      yield* port.put(letters(1, 3, { deadAt: start }))
      yield* TestClock.adjust(DeadLetters.limits.maxAge)
      yield* port.put([letter(4, { deadAt: start + DeadLetters.limits.maxAge })])
      expect(numbers((yield* port.list({})).letters)).toEqual([4, 3, 2, 1])
      yield* TestClock.adjust(1)
      yield* port.put([letter(5, { deadAt: start + DeadLetters.limits.maxAge + 1 })])
      expect(numbers((yield* port.list({})).letters)).toEqual([5, 4])
      expect(yield* port.purge({ before: never })).toBe(2)
    }),
  )
}
