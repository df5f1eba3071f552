import * as fc from "fast-check"
import { expect, it } from "vitest"
import { turns } from "../src/turns.ts"

it("everybody has one turn a round, and each goes first as often as the others", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 4 }),
      async (names, times) => {
        const order: Array<string> = []
        const rounds = names.length * times
        const results = await turns(names, rounds, async (name, round) => {
          order.push(name)
          return round
        })
        for (const name of names) expect(results[name]).toEqual(Array.from({ length: rounds }, (_, n) => n))
        const first = order.filter((_, place) => place % names.length === 0)
        for (const name of names) expect(first.filter((one) => one === name)).toHaveLength(times)
      },
    ),
  )
})
