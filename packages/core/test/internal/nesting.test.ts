import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/Event.ts"
import { areBytesDeeper, isDeeper } from "../../src/internal/nesting.ts"

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
  it("is the number of arrays and objects around the innermost one, before and after parsing", () => {
    fc.assert(
      fc.property(json, fc.boolean(), fc.integer({ min: 0, max: 8 }), (value, isSpaced, depth) => {
        const bytes = new TextEncoder().encode(JSON.stringify(value, null, isSpaced ? 2 : 0))
        const expected = depthOf(value) > depth
        expect(isDeeper(value, depth)).toBe(expected)
        expect(areBytesDeeper(bytes, depth)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it("stops at the limit, so that a bottomless body costs no stack", () => {
    const text = "[".repeat(200_000) + "]".repeat(200_000)
    expect(isDeeper(JSON.parse(text), 64)).toBe(true)
    expect(areBytesDeeper(new TextEncoder().encode(text), 64)).toBe(true)
  })

  it("counts brackets, not what is written in strings", () => {
    const bytes = new TextEncoder().encode(JSON.stringify(["[".repeat(100), `\\"${"{".repeat(100)}`]))
    expect(areBytesDeeper(bytes, 1)).toBe(false)
  })
})
