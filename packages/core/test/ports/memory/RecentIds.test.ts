import fc from "fast-check"
import { expect, it } from "vitest"
import { RecentIds } from "../../../src/ports/memory/RecentIds.ts"

const hex = fc
  .array(fc.nat(15), { minLength: 32, maxLength: 32 })
  .map((digits) => digits.map((n) => n.toString(16)).join(""))

it("knows the last ids, each with its number, and no others", () => {
  const id = fc.oneof(hex, fc.string({ unit: "binary", maxLength: 4 }), fc.nat(20).map(String))
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 200 }),
      hex,
      fc.integer({ min: 1, max: 60 }),
      (ids, other, remembered) => {
        const recent = new RecentIds(remembered)
        for (const [index, each] of ids.entries()) {
          expect(recent.numberOf(each)).toBe(0)
          recent.add(each, index + 1)
          const before = ids.slice(0, index + 1)
          const known = before.map((one) => recent.numberOf(one))
          // Older ones may be known or not, but never by another number.
          expect(known.every((number, place) => number === 0 || number === place + 1)).toBe(true)
          expect(known.slice(-remembered - 1)).toEqual(
            before.map((_, place) => place + 1).slice(-remembered - 1),
          )
          expect(known.filter((number) => number !== 0).length).toBeLessThanOrEqual(2 * remembered)
        }
        if (!ids.includes(other)) expect(recent.numberOf(other)).toBe(0)
      },
    ),
  )
})

it("tells apart as many as it may hold", () => {
  const recent = new RecentIds(10_000)
  const ids = Array.from({ length: 20_000 }, (_, n) => n.toString(16).padStart(32, "0"))
  for (const [index, id] of ids.entries()) recent.add(id, index + 1)
  expect(ids.map((id) => recent.numberOf(id))).toEqual(ids.map((_, index) => index + 1))
  expect(recent.numberOf("f".repeat(32))).toBe(0)
})

it("drops no entry whose id only looks like another", () => {
  const id = "0123456789abcdef0123456789abcdef"
  const alike = [
    id.toUpperCase(),
    `${id}0`,
    id.slice(1),
    id.replace("0", "o"),
    `0x${id.slice(2)}`,
    // The same 32 bits for who takes a unit for a digit.
    String.fromCharCode(...Array.from(id, (digit) => digit.charCodeAt(0) + 0x100)),
  ]
  const recent = new RecentIds(10)
  recent.add(id, 1)
  expect(alike.map((one) => recent.numberOf(one))).toEqual(alike.map(() => 0))
  for (const [index, one] of alike.entries()) recent.add(one, index + 2)
  expect([id, ...alike].map((one) => recent.numberOf(one))).toEqual([1, 2, 3, 4, 5, 6, 7])
})
