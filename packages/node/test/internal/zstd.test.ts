import * as zlib from "node:zlib"
import { Codec } from "@millrace/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decompress } from "../../src/internal/zstd.ts"
import { compressed, eventsText, frame } from "../support/zstd.ts"

const inflate = (bytes: Uint8Array, max = 16 * 1024 * 1024): Uint8Array => {
  const decoding = decompress(bytes, max)
  for (;;) {
    const step = decoding.next()
    if (step.done) return step.value
  }
}

const malformed = new Codec.CodecError({ reason: "Malformed" })

// Node's own, where there is one (22.15 and later).
const { zstdCompressSync } = zlib as typeof zlib & {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: zlib.BrotliOptions) => Uint8Array
}
const compressionLevel = 100

describe("our own zstd decoder", () => {
  it.each(compressed.map(({ name, ...rest }) => [name, rest] as const))("%s", (_, { events, base64 }) => {
    const content = inflate(Buffer.from(base64, "base64"))
    expect(Buffer.from(content).toString()).toBe(eventsText(events))
  })

  it("blocks that are not compressed", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ raw: fc.uint8Array({ maxLength: 300 }) }),
            fc.record({ rle: fc.nat(255), count: fc.nat(128 * 1024) }),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        (blocks) => {
          const content = Buffer.concat(
            blocks.map((block) => ("raw" in block ? block.raw : Buffer.alloc(block.count, block.rle))),
          )
          const bytes = frame(blocks)
          expect(Buffer.compare(inflate(bytes, Math.max(1, content.length)), content)).toBe(0)
        },
      ),
    ))

  it("19 bytes of sequences that write past their block are refused at once", () => {
    // One literal, 98,047 sequences of 65,539 bytes and more each, from three codes that take no bits.
    const sequences = Uint8Array.of(1 << 3, 0x61, 255, 0xff, 0xff, 0b01010100, 0, 0, 52, 1)
    expect(() => inflate(frame([{ compressed: sequences }]))).toThrow(malformed)
  })

  it("a match before the beginning is refused", () => {
    // One literal, one sequence: no literals, offset code 2, match code 0.
    const sequences = Uint8Array.of(1 << 3, 0x61, 1, 0b01010100, 0, 2, 0, 0b111)
    expect(() => inflate(frame([{ compressed: sequences }]))).toThrow(malformed)
  })

  it("a table or a tree of the block before is refused where there is none", () => {
    expect(() => inflate(frame([{ compressed: Uint8Array.of(0b11111100, 0, 1) }]))).toThrow(malformed)
    expect(() => inflate(frame([{ compressed: Uint8Array.of(1 << 3, 0x61, 1, 0b11111100, 1) }]))).toThrow(
      malformed,
    )
    expect(() => inflate(frame([{ compressed: Uint8Array.of(3, 1, 0, 1, 0) }]))).toThrow(malformed)
  })

  it("says how much work there was, block by block", () => {
    const decoding = decompress(frame(Array.from({ length: 5 }, () => ({ rle: 1, count: 1000 }))), 1_000_000)
    expect(Array.from(decoding)).toHaveLength(5)
  })

  const unless = zstdCompressSync === undefined ? " (skipped: this Node has none)" : ""
  it.skipIf(zstdCompressSync === undefined)(`agrees with Node's encoder${unless}`, () => {
    const text = fc.array(fc.constantFrom("page_view", "größe", "{", '"time":17', "\u0000", "user-1"), {
      maxLength: 3000,
    })
    const skewed = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(7) }, fc.nat(255)), { maxLength: 5000 })
    fc.assert(
      fc.property(
        fc.oneof(
          text.map((parts) => Buffer.from(parts.join(""))),
          skewed.map((values) => Buffer.from(values)),
        ),
        fc.nat(40),
        fc.constantFrom(-5, 1, 3, 9, 19),
        (part, times, level) => {
          const content = Buffer.concat(
            Array.from({ length: times }, (_, i) => Buffer.concat([part, Buffer.of(i)])),
          )
          const bytes = zstdCompressSync!(content, { params: { [compressionLevel]: level } })
          expect(Buffer.compare(inflate(bytes), content)).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
