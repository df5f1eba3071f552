import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { fromText, toText } from "../src/text.ts"

describe("text as PostgreSQL can hold it", () => {
  it("comes back whatever it holds, and holds no NUL and no half of a pair", () => {
    const unit = fc.oneof(
      fc.constantFrom("\0", "\u001a", "\ud83d", "\ude00", "0000", "001a", "d83d", "😀", "é"),
      fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
    )
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        const text = units.join("")
        const written = toText(text)
        expect(fromText(written)).toBe(text)
        expect(written).not.toMatch(/\0|\p{Surrogate}/u)
      }),
    )
  })

  it("is the same for ordinary text", () => {
    for (const text of ["", "warehouse/0", "größe 🚀\n\t\u0001", "%_'\"\\"]) expect(toText(text)).toBe(text)
  })
})
