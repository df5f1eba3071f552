import * as fc from "fast-check"
import { expect, test } from "vitest"
import { Transit } from "../src/Transit.ts"

test("each group arrives, whatever came before, and its buffer stays as it was", () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.constantFrom(65_536, 4 * 1024 * 1024 + 1))
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 1, maxLength: 8 }), (groups) => {
      const transit = new Transit()
      for (const [number, size] of groups.entries()) {
        const buffer = new Uint8Array(size + 10).fill(number + 1)
        const memory = new Uint8Array(transit.carry(buffer.buffer, size))
        expect(memory.subarray(0, size).every((byte) => byte === number + 1)).toBe(true)
        expect(memory.length).toBeLessThanOrEqual(Math.max(2 * size, 4 * 1024 * 1024))
        expect(buffer.buffer.byteLength).toBe(size + 10)
      }
    }),
    { numRuns: 30 },
  )
})
