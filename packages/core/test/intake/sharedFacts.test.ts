import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import * as Utf8 from "../../src/base/utf8.ts"
import { affordable, problemOf, sizeOf } from "../../src/intake/sharedFacts.ts"

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>

describe("the size of a value", () => {
  it("is that of its JSON, as long as it is within the bound", () => {
    const seen = { within: 0, beyond: 0 }
    fc.assert(
      fc.property(json, fc.integer({ min: 2, max: 200 }), (value, most) => {
        const size = Utf8.encode(JSON.stringify(value)).length
        if (size <= most) expect(sizeOf(value, most)).toBe(size)
        else expect(sizeOf(value, most)).toBeGreaterThan(most)
        seen[size <= most ? "within" : "beyond"] += 1
      }),
      { numRuns: 5000 },
    )
    expect(Math.min(seen.within, seen.beyond)).toBeGreaterThan(300)
  })

  it("is exact where it just fits, however deep its last member stands", () => {
    const value = { a: { b: { c: [1, { d: 1e-199 }] } } }
    const size = JSON.stringify(value).length
    expect(sizeOf(value, size)).toBe(size)
    expect(sizeOf(value, size - 1)).toBeGreaterThan(size - 1)
  })

  it("is found without looking at what is beyond the bound", () => {
    let looked = 0
    const item = new Proxy([0], {
      get: (target, name) => {
        looked += 1
        return Reflect.get(target, name)
      },
    })
    expect(sizeOf(Array(100_000).fill(item), 100)).toBeGreaterThan(100)
    expect(looked).toBeLessThan(1000)
  })
})

describe("what all events of a request share", () => {
  const facts = { events: 100, statsigMetadata: 100, withoutUser: 0, user: 0 }

  it("may come to 27 times the body", () => {
    expect(problemOf({ ...facts, statsigMetadata: 270 }, 1000, 1e6)).toBeNull()
    expect(problemOf({ ...facts, statsigMetadata: 271 }, 1000, 1e6)).toContain("40 times the body")
    expect(problemOf({ ...facts, statsigMetadata: 0, withoutUser: 10, user: 2701 }, 1000, 1e6)).not.toBeNull()
  })

  it("and to what may be sent at all, with the body", () => {
    expect(problemOf(facts, 5000, 15_000)).toBeNull()
    expect(problemOf(facts, 5001, 15_000)).toContain("15000 bytes")
  })
})

describe("what is known of the client", () => {
  it("adds no more than 20 times the body, and is left out only where it would", () => {
    const client = fc.record(
      { ip: fc.ipV6(), userAgent: fc.string({ unit: "binary", maxLength: 170 }), country: fc.string() },
      { requiredKeys: [] },
    )
    const seen = { kept: 0, left: 0 }
    fc.assert(
      fc.property(
        client,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 17, max: 3_000 }),
        (...given) => {
          const [facts, events, bytes] = given
          const fits = Utf8.encode(JSON.stringify(facts)).length * events <= 20 * bytes
          expect(affordable(facts, events, bytes)).toBe(fits ? facts : null)
          seen[fits ? "kept" : "left"] += 1
        },
      ),
      { numRuns: 2_000 },
    )
    expect(Math.min(seen.kept, seen.left)).toBeGreaterThan(200)
  })
})
