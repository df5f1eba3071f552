import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"
import { causesOf, purge } from "../../../src/operate/letters/choosing.ts"
import { type DeadLetter, DeadLetters } from "../../../src/ports/DeadLetters.ts"
import * as Store from "../../../src/ports/Store.ts"

const letter = (number: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ destination: "hook", eventId: `e${number}`, reason: "refused", status: 422 },
  ...{ message: `answered 422: row ${number}`, deadAt: Date.now() - 1_000_000 + number, receivedAt: 1 },
  ...{ eventName: `name_${number % 5}`, event: "{}", replayedAt: null },
  ...more,
})

const withLetters = <A, E>(
  letters: ReadonlyArray<DeadLetter>,
  use: (port: DeadLetters["Service"]) => Effect.Effect<A, E>,
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* Layer.build(Store.layerMemory())
        const port = Context.get(store, DeadLetters)
        yield* port.put(letters)
        return yield* use(port)
      }),
    ),
  )

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number)

test("causes are told apart by destination, reason, pattern and status, the newest first", async () => {
  const letters = [
    ...upTo(2500).map((number) => letter(number)),
    letter(3000, { destination: "other" }),
    letter(3001, { reason: "poison" }),
    letter(3002, { status: 400 }),
    letter(3003, { destination: "intake", reason: "invalid", status: null, message: "events[7]: bad" }),
  ]
  const { causes, looked, isAll } = await withLetters(letters, (port) => causesOf(port, undefined))
  expect(
    causes.map(({ destination, reason, status, count }) => [destination, reason, status, count]),
  ).toEqual([
    ["intake", "invalid", null, 1],
    ["hook", "refused", 400, 1],
    ["hook", "poison", 422, 1],
    ["other", "refused", 422, 1],
    ["hook", "refused", 422, 2500],
  ])
  expect(causes.at(-1)).toMatchObject({
    ...{ pattern: "answered 422: row …", first: letters[0]!.deadAt, last: letters[2499]!.deadAt },
    replayed: 0,
  })
  expect(causes.at(-1)?.names).toHaveLength(3)
  expect([looked, isAll]).toEqual([2504, true])
})

test("of more causes than are told apart it says that these are not all", async () => {
  const words = upTo(1100).map((number) => number.toString(2).replaceAll("0", "a").replaceAll("1", "b"))
  const letters = words.map((word, number) => letter(number, { message: `no ${word}x` }))
  const { causes, looked, isAll } = await withLetters(letters, (port) => causesOf(port, "hook"))
  expect([causes.length, looked, isAll]).toEqual([1000, 1100, false])
})

test("a purge of a cause removes its letters over many pages, and no other", async () => {
  const letters = upTo(3000).map((number) =>
    letter(number, number % 3 === 0 ? { message: "answered 422: other" } : {}),
  )
  const left = await withLetters(letters, (port) =>
    Effect.gen(function* () {
      const cause = { reason: "refused", pattern: "answered 422: row …", status: 422 } as const
      expect(yield* purge(port, { destination: "hook", cause })).toBe(2000)
      return (yield* port.list({ limit: 5000 })).letters
    }),
  )
  expect(left).toHaveLength(1000)
  expect(new Set(left.map(({ message }) => message))).toEqual(new Set(["answered 422: other"]))
})
