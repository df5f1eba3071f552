import { expect, it } from "vitest"
import { estimate, problemOf, shareOf } from "../../../web/logic/replayEstimate.ts"
import { fromLocalInput, toLocalInput } from "../../../web/text/localInput.ts"

const none = [0, 0, 0, 0]

const history = {
  from: 0,
  step: 100,
  since: 0,
  at: 400,
  stored: [10, 20, 40, 80],
  rejected: none,
  refused: none,
  yesterday: none,
}

it("counts what arrived in a range, and of the buckets at its edges their part", () => {
  expect(estimate(history, { since: 100, until: 300 }, 1)).toEqual({
    arrived: 60,
    passing: 60,
    isPartial: false,
  })
  expect(estimate(history, { since: 150, until: 350 }, 0.5)).toEqual({
    arrived: 90,
    passing: 45,
    isPartial: false,
  })
})

it("says that it is less than all where nobody has counted", () => {
  expect(estimate({ ...history, from: 1_000 }, { since: 0, until: 1_100 }, 1).isPartial).toBe(true)
  expect(estimate({ ...history, stored: [null, 20, 40, 80] }, { since: 0, until: 200 }, 1)).toEqual({
    arrived: 20,
    passing: 20,
    isPartial: true,
  })
})

it("takes the share that the filter has let pass, and all where nothing was looked at", () => {
  expect(shareOf({ forwarded: [3, null], filtered: [6, 0], dead: [1, 0] })).toBe(0.4)
  expect(shareOf({ forwarded: none, filtered: none, dead: none })).toBe(1)
})

it("says what is wrong with a range", () => {
  expect(problemOf({ since: 1, until: 2 }, 10)).toBeNull()
  expect(problemOf({ since: 2, until: 2 }, 10)).toBe("ends before it begins")
  expect(problemOf({ since: Number.NaN, until: 2 }, 10)).toBe("no time")
  expect(problemOf({ since: 11, until: 12 }, 10)).toBe("in the future")
})

it("goes to the form's time and back, to the minute", () => {
  const time = new Date(2026, 2, 4, 5, 6).getTime()
  expect(toLocalInput(time)).toBe("2026-03-04T05:06")
  expect(fromLocalInput(toLocalInput(time))).toBe(time)
  expect(fromLocalInput("")).toBeNaN()
})
