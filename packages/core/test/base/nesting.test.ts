import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import { isDeeper } from "../../src/base/nesting.ts"

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 6, depthSize: "large" }),
  fc.array(
    fc.dictionary(
      fc.constantFrom("a", "[{", '"', "\\", '\\"{'),
      fc.constantFrom("]}", '"[', "\\", [[[]]], {}),
    ),
  ),
) as fc.Arbitrary<Json>

const depthOf = (value: Json): number => {
  if (typeof value !== "object" || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe("nesting", () => {
  it("is the number of arrays and objects around the innermost one", () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 8 }), (value, depth) => {
        expect(isDeeper(value, depth)).toBe(depthOf(value) > depth)
      }),
      { numRuns: 2000 },
    )
  })

  it("stops at the limit, so that a bottomless body costs no stack", () => {
    const text = "[".repeat(200_000) + "]".repeat(200_000)
    expect(isDeeper(JSON.parse(text), 64)).toBe(true)
  })
})
