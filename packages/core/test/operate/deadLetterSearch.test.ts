import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { expect, test } from "vitest"
import { type DeadLetterSearch, searchDeadLetters } from "../../src/operate/deadLetterSearch.ts"
import { type DeadLetter, DeadLetters, layerMemory } from "../../src/ports/DeadLetters.ts"

const letterOf = (number: number, destination: string, deadAt: number): DeadLetter => ({
  ...{ destination, eventId: `e${number}`, reason: "refused", message: "", status: null, deadAt },
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
      fc.array(fc.record({ destination, deadAt: fc.integer({ min: 1, max: 9 }) }), { maxLength: 40 }),
      fc.record({ destination, eventIds, before: fc.integer({ min: 0, max: 10 }) }, { requiredKeys: [] }),
      fc.integer({ min: 1, max: 7 }),
      async (given, search, limit) => {
        const letters = given.map((one, number) => letterOf(number, one.destination, one.deadAt))
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
              (search.before === undefined || letter.deadAt < search.before),
          )
        expect(pages.flat()).toEqual(meant)
        expect(pages.length).toBe(Math.max(Math.ceil(meant.length / limit), 1))
      },
    ),
    { numRuns: 300 },
  )
})
