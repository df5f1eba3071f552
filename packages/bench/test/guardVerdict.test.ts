import * as fc from "fast-check"
import { expect, it } from "vitest"
import { bounds } from "../src/guardBounds.ts"
import { leastOf, ratioOf, verdict } from "../src/guardVerdict.ts"

it("every bound is above what was seen, and below what 1.3 times of it would be", () => {
  for (const { seen, bound } of Object.values(bounds)) {
    expect(bound).toBeGreaterThan(seen)
    expect(bound).toBeLessThan(seen * 1.3)
  }
})

it("turns that other work has made dearer do not change the ratio", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 20, noNaN: true }),
      fc.array(
        fc.tuple(fc.double({ min: 1, max: 9, noNaN: true }), fc.double({ min: 1, max: 9, noNaN: true })),
        {
          maxLength: 20,
        },
      ),
      (ratio, disturbed) => {
        const quiet = Array.from({ length: 20 }, () => ({ millrace: ratio, bare: 1 }))
        const noisy = disturbed.map(([a, b]) => ({ millrace: ratio * a, bare: b }))
        expect(ratioOf([...noisy, ...quiet])).toBeCloseTo(ratio)
      },
    ),
  )
})

it("says what is too slow, and what has become much faster than its bound", () => {
  const bound = { seen: 2, bound: 2.3 }
  expect(verdict(2, bound)).toBe("ok")
  expect(verdict(2.31, bound)).toBe("too slow")
  expect(verdict(Number.NaN, bound)).toBe("too slow")
  expect(verdict(1.5, bound)).toContain("lower it")
})

it.each([
  { ratios: [1.9, 5, 5], least: 1.9, measured: 1 },
  { ratios: [2.5, 2.1, 5], least: 2.1, measured: 2 },
  { ratios: [2.9, 2.7, 2.8], least: 2.7, measured: 3 },
])("what is too slow is measured again: $ratios", async ({ ratios, least, measured }) => {
  let at = 0
  expect(await leastOf(async () => ratios[at++]!, 2.3)).toBe(least)
  expect(at).toBe(measured)
})
