import * as fc from "fast-check"
import { expect, test } from "vitest"
import { ByteWriter, piece, sourceOf } from "../../src/bytes/ByteWriter.ts"

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .tuple(fc.constantFrom("a", "é", "語", "🚀"), fc.nat({ max: 500 }))
    .map(([unit, times]) => unit.repeat(times)),
)

/** What is written, and the text it stands for. */
const part = fc.oneof(
  text.map((one) => ({ of: (into: ByteWriter) => into.text(one), text: one })),
  text.map((one) => ({ of: (into: ByteWriter) => into.piece(piece(one)), text: one })),
  fc
    .tuple(fc.string({ unit: "grapheme-ascii", maxLength: 300 }), fc.nat({ max: 9 }), fc.nat(), fc.nat())
    .map(([one, before, a, b]) => {
      // A view into a larger buffer, as bodies are.
      const bytes = new TextEncoder().encode(`${"-".repeat(before)}${one}`).subarray(before)
      const [from, to] = [a % (one.length + 1), b % (one.length + 1)].sort((x, y) => x - y) as [
        number,
        number,
      ]
      return { of: (into: ByteWriter) => into.copy(sourceOf(bytes), from, to), text: one.slice(from, to) }
    }),
  fc
    .oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, 999_999, 1_000_000, 2_147_483_648_000_000, 1e21, Number.NaN),
      fc.integer({ min: 0, max: 15 }).map((digits) => 10 ** digits),
    )
    .map((one) => ({ of: (into: ByteWriter) => into.integer(one), text: String(one) })),
  fc
    .nat({ max: 0xffffffff })
    .map((one) => ({ of: (into: ByteWriter) => into.hex(one), text: one.toString(16).padStart(8, "0") })),
)

test("what is written is there, one piece behind the other; what was cut is not", () => {
  const step = fc.oneof({ weight: 9, arbitrary: part }, fc.record({ cut: fc.nat() }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 2000 }), (steps, room) => {
      const into = new ByteWriter(room)
      const encoder = new TextEncoder()
      let expected = new Uint8Array(0)
      for (const one of steps) {
        if ("cut" in one) {
          const length = one.cut % (expected.length + 1)
          into.cut(length)
          expected = expected.slice(0, length)
        } else {
          one.of(into)
          expected = Uint8Array.from([...expected, ...encoder.encode(one.text)])
        }
      }
      expect(into.length).toBe(expected.length)
      expect(Buffer.from(into.written).equals(expected)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})
