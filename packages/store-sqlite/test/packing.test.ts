import fc from "fast-check"
import { expect, it } from "vitest"
import { allocate, pack, roomFor, sizeOf, unpack } from "../src/packing.ts"

const groups = fc.array(
  fc.record({
    now: fc.nat(),
    entries: fc.array(
      fc.record({
        id: fc.string({ unit: "binary" }),
        events: fc.nat(),
        envelope: fc.string({ unit: "binary" }),
        body: fc.uint8Array({ maxLength: 200 }),
      }),
    ),
  }),
)

it("packs any entries and unpacks the same, also into a buffer that is too long", () => {
  fc.assert(
    fc.property(groups, fc.nat({ max: 1000 }), (some, spare) => {
      const entries = some.flatMap(({ entries, now }) =>
        entries.map((entry) => ({ ...entry, appendedAt: now })),
      )
      const size = entries.reduce((sum, entry) => sum + sizeOf(entry), 0)
      expect(unpack(pack(some, allocate(roomFor(entries.length, size) + spare)))).toEqual(entries)
    }),
  )
})
