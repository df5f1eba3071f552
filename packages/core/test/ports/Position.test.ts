import { Position } from "@millrace/core/store"
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

it("a later generation's positions are behind all of earlier ones, and say what they are", () => {
  fc.assert(
    fc.property(number, number, number, number, (g, a, h, b) => {
      const place = (generation: number, value: number) =>
        Position.of(Position.prefixOf(generation), value + 1)
      const isBefore = g < h || (g === h && a < b)
      expect(place(g, a) < place(h, b)).toBe(isBefore)
      expect(place(g, a) < Position.end).toBe(true)
      expect(Position.parse(place(g, a))).toEqual({ generation: g, number: a + 1 })
    }),
  )
  expect(Position.toNumber(Position.of(Position.prefixOf(1), 1))).toBeNaN()
  expect(Position.of(Position.prefixOf(1), 0)).toBe(Position.origin)
})

it("the end is behind every number, as text and as a number", () => {
  expect(Position.fromNumber(Number.MAX_SAFE_INTEGER) < Position.end).toBe(true)
  expect(Position.toNumber(Position.end)).toBe(Number.MAX_SAFE_INTEGER)
})
