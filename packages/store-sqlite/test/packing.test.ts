import fc from "fast-check"
import { expect, it } from "vitest"
import { allocate, packEntries, packRaw, sizeOf, unpack } from "../src/packing.ts"

const entries = fc.array(
  fc.record({
    id: fc.string({ unit: "binary" }),
    events: fc.nat(),
    envelope: fc.string({ unit: "binary" }),
    body: fc.uint8Array({ maxLength: 200 }),
  }),
)

const encoder = new TextEncoder()

it("packs any entries and unpacks the same, also into a buffer that is too long", () => {
  fc.assert(
    fc.property(entries, fc.nat({ max: 1000 }), (some, spare) => {
      const size = some.reduce((sum, entry) => sum + sizeOf(entry), 0)
      const raw = some.map((entry) => ({ ...entry, envelope: encoder.encode(entry.envelope) }))
      const packed = packEntries(some, allocate(size + spare))
      expect(unpack(packed)).toEqual(raw)
      expect(unpack(packRaw(raw))).toEqual(raw)
      expect(packRaw(raw).bytes.byteLength).toBe(size)
    }),
  )
})

it("takes bytes of its own: a slice does not bring its whole buffer", () => {
  const slab = new Uint8Array(1 << 20)
  const body = slab.subarray(500, 510)
  const packed = packRaw([{ id: "a", events: 1, envelope: new Uint8Array(), body }])
  expect(packed.bytes.byteLength).toBe(10)
})
