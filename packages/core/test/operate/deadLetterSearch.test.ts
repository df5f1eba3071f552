import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { expect, test } from "vitest"
import { type DeadLetterSearch, searchDeadLetters } from "../../src/operate/deadLetterSearch.ts"
import { type DeadLetter, DeadLetters, layerMemory } from "../../src/ports/DeadLetters.ts"

/** By what they have in common, messages that say it. */
const messages: Readonly<Record<string, ReadonlyArray<string>>> = {
  "answered 422: unknown attribute …": [
    'answered 422: unknown attribute "a"',
    'answered 422: unknown attribute "b"',
  ],
  // As a pattern of text it would be one of the former.
  "answered 422: unknown attribute of a user": ["answered 422: unknown attribute of a user"],
}

const message = fc.constantFrom(...Object.values(messages).flat())

const cause = fc.record({
  reason: fc.constant("refused" as const),
  pattern: fc.constantFrom(...Object.keys(messages)),
  status: fc.constantFrom(null, 422),
})

const letterOf = (number: number, destination: string, deadAt: number, message: string): DeadLetter => ({
  ...{ destination, eventId: `e${number}`, reason: "refused", message, status: null, deadAt },
  ...{ receivedAt: 0, eventName: "n", event: "{}", replayedAt: null },
})

/** Goes from page to page to the last one. */
const pagesOf = Effect.fnUntraced(function* (deadLetters: DeadLetters["Service"], search: DeadLetterSearch) {
  const pages: Array<ReadonlyArray<DeadLetter>> = []
  let after: string | null = null
  do {
    const page: Effect.Success<ReturnType<typeof searchDeadLetters>> = yield* searchDeadLetters(deadLetters, {
      ...search,
      ...(after === null ? {} : { after }),
    })
    pages.push(page.letters)
    after = page.next
  } while (after !== null)
  return pages
})

const destination = fc.constantFrom("a", "b", "intake")
const eventIds = fc.uniqueArray(
  fc.integer({ min: 0, max: 40 }).map((number) => `e${number}`),
  { maxLength: 20 },
)

test("whatever is searched for, page by page all of it is found, once, and no page follows the last letter", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ destination, message, deadAt: fc.integer({ min: 1, max: 9 }) }), {
        maxLength: 40,
      }),
      fc.record(
        { destination, eventIds, cause, before: fc.integer({ min: 0, max: 10 }) },
        { requiredKeys: [] },
      ),
      fc.integer({ min: 1, max: 7 }),
      async (given, search, limit) => {
        const letters = given.map((one, number) => letterOf(number, one.destination, one.deadAt, one.message))
        const pages = await Effect.gen(function* () {
          const deadLetters = yield* DeadLetters
          // One by one: the last put is the first listed.
          for (const letter of letters) yield* deadLetters.put([letter])
          return yield* pagesOf(deadLetters, { ...search, limit })
        }).pipe(Effect.provide(layerMemory()), Effect.provide(TestClock.layer()), Effect.runPromise)

        const meant = letters
          .toReversed()
          .filter(
            (letter) =>
              (search.destination === undefined || letter.destination === search.destination) &&
              (search.eventIds === undefined || search.eventIds.includes(letter.eventId)) &&
              (search.cause === undefined ||
                (search.cause.status === null && messages[search.cause.pattern]!.includes(letter.message))) &&
              (search.before === undefined || letter.deadAt < search.before),
          )
        expect(pages.flat()).toEqual(meant)
        expect(pages.length).toBe(Math.max(Math.ceil(meant.length / limit), 1))
      },
    ),
    { numRuns: 300 },
  )
})
