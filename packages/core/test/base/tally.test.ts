import { expect, test } from "vitest"
import { tally, untold } from "../../src/base/tally.ts"

const minute = 60_000

/** What is told of so many more, minute by minute. */
const told = (perMinute: ReadonlyArray<number>) => {
  let state = untold
  let total = 0
  return perMinute.flatMap((more, at) => {
    total += more
    const [next, sum] = tally(state, total, at * minute)
    state = next
    return sum === null ? [] : [[at, sum.count, sum.isFirst]]
  })
}

test("the first is told at once, the others once an hour while there are more", () => {
  expect(told(Array.from({ length: 200 }, (_, at) => (at < 100 ? 1 : 0)))).toEqual([
    [0, 1, true],
    [60, 60, false],
    [120, 39, false],
  ])
})

test("after an hour without one the next is told at once", () => {
  expect(told(Array.from({ length: 200 }, (_, at) => (at === 3 || at === 70 ? 2 : 0)))).toEqual([
    [3, 2, true],
    [70, 2, true],
  ])
})
