import { Position } from "@millrace/core"
import * as fc from "fast-check"
import { expect, it } from "vitest"

const number = fc.maxSafeNat().map((value) => value % 10 ** 16)

it("positions are in the order of their numbers, and give them back", () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      expect(Position.fromNumber(a) < Position.fromNumber(b)).toBe(a < b)
      expect(Position.toNumber(Position.fromNumber(a))).toBe(a)
    }),
  )
})

it("the origin is 0, before every other", () => {
  expect(Position.fromNumber(0)).toBe(Position.origin)
  expect(Position.origin < Position.fromNumber(1)).toBe(true)
})

it("what is no position has no number", () => {
  for (const text of ["1", "-000000000000001", "0000000000000001 ", "1e15", "00000000000000001"]) {
    expect(Position.toNumber(text as Position.Position)).toBeNaN()
  }
})
