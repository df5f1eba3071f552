import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Utf8 from "../../src/base/utf8.ts"

describe("decode", () => {
  it("leaves a BOM out", () => {
    expect(Utf8.decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toEqual({ text: "a", isUtf8: true })
  })

  it.each([
    ["a lone continuation byte", [0x61, 0x80, 0x62]],
    ["an overlong encoding", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a cut sequence", [0x61, 0xe2, 0x82]],
  ])("says that %s is not UTF-8, and reads on", (_, bytes) => {
    const { text, isUtf8 } = Utf8.decode(new Uint8Array(bytes))
    expect(isUtf8).toBe(false)
    expect(text).toContain("\ufffd")
  })

  it("keeps no state from one call to the next", () => {
    Utf8.decode(new Uint8Array([0xe2, 0x82]))
    expect(Utf8.decode(new Uint8Array([0x61]))).toEqual({ text: "a", isUtf8: true })
  })
})

describe("cut", () => {
  it("gives the longest beginning that fits, in whole characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 40 }), (text, maxBytes) => {
        const part = Utf8.cut(text, maxBytes)
        expect(text.startsWith(part)).toBe(true)
        expect(Utf8.encode(part).length).toBeLessThanOrEqual(maxBytes)
        const next = [...text.slice(part.length)][0]
        if (next !== undefined) expect(Utf8.encode(part + next).length).toBeGreaterThan(maxBytes)
      }),
    )
  })
})

describe("isLonger", () => {
  it("counts bytes as they are encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0, max: 40 }), (text, maxBytes) => {
        expect(Utf8.isLonger(text, maxBytes)).toBe(Utf8.encode(text).length > maxBytes)
      }),
    )
  })
})
