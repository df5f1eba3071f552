import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Slab, Slabs } from "../../../src/ports/memory/Slabs.ts"

interface Piece {
  readonly slab: Slab
  readonly at: number
  readonly length: number
  readonly mark: number
}

const isUntouched = ({ slab, at, length, mark }: Piece): boolean =>
  slab.bytes.subarray(at, at + length).every((byte) => byte === mark)

describe("slabs", () => {
  it("never write over a piece that is still wanted, and hold little more than is wanted", () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 10_000, max: 600_000 }))
    fc.assert(
      fc.property(fc.array(fc.tuple(length, fc.nat(3)), { maxLength: 60 }), (steps) => {
        const slabs = new Slabs()
        const pieces: Array<Piece> = []
        for (const [index, [bytes, given]] of steps.entries()) {
          const slab = slabs.take(bytes)
          const piece = { slab, at: slab.used, length: bytes, mark: index + 1 }
          expect(piece.at + bytes).toBeLessThanOrEqual(slab.bytes.length)
          slab.bytes.fill(piece.mark, piece.at, piece.at + bytes)
          slab.used += bytes
          pieces.push(piece)
          for (const old of pieces.splice(0, given)) slabs.release(old.slab)
          expect(pieces.every(isUntouched)).toBe(true)
        }
      }),
    )
  })

  it("are used again: what comes and goes needs no new ones", () => {
    const slabs = new Slabs()
    const seen = new Set<Slab>()
    const pieces: Array<Slab> = []
    for (let n = 0; n < 10_000; n++) {
      const slab = slabs.take(260_000)
      slab.used += 260_000
      seen.add(slab)
      pieces.push(slab)
      if (pieces.length > 100) slabs.release(pieces.shift()!)
    }
    // 100 pieces of 15 a slab are in eight slabs; one to spare, and those with which it began.
    expect(seen.size).toBeLessThanOrEqual(15)
  })
})
