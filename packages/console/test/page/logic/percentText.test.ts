import fc from "fast-check"
import { expect, it } from "vitest"
import { fromPercent, toPercent } from "../../../web/logic/percentText.ts"

it("gives every share back as it was", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
      expect(fromPercent(toPercent(share))).toBe(share === 0 ? 0 : share)
    }),
  )
})

it("writes what people would write", () => {
  expect([0, 1, 0.1, 0.07, 0.125, 0.005, 1e-7].map(toPercent)).toEqual([
    "0",
    "100",
    "10",
    "7",
    "12.5",
    "0.5",
    "0.00001",
  ])
})

it("refuses what is no share", () => {
  expect(["", "101", "-1", "ten", "100.01"].map(fromPercent)).toEqual([null, null, null, null, null])
})
