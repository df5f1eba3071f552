import fc from "fast-check"
import { expect, it } from "vitest"
import { allocate, countOf, pack, roomOf, sizeOf, unpack } from "../src/packing.ts"

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

const packable = groups.map((some) =>
  some.map((group) => ({ ...group, size: group.entries.reduce((sum, entry) => sum + sizeOf(entry), 0) })),
)

const entriesOf = (some: typeof packable extends fc.Arbitrary<infer A> ? A : never) =>
  some.flatMap(({ entries, now }) => entries.map((entry) => ({ ...entry, appendedAt: now })))

it("packs any entries and unpacks the same, anywhere in memory that is too long", () => {
  fc.assert(
    fc.property(packable, fc.nat({ max: 100 }), fc.nat({ max: 100 }), (some, before, behind) => {
      const begin = before * 8
      const room = roomOf(some)
      const memory = allocate(begin + room + behind)
      const bytes = new Uint8Array(memory).fill(255)
      expect(unpack(pack(some, memory, begin))).toEqual(entriesOf(some))
      expect(bytes.subarray(0, begin).every((byte) => byte === 255)).toBe(true)
      expect(bytes.subarray(begin + room).every((byte) => byte === 255)).toBe(true)
    }),
  )
})

it("unpacks some entries, wherever they stand among the others", () => {
  fc.assert(
    fc.property(packable, fc.nat(), fc.nat(), (some, one, other) => {
      const packed = pack(some, allocate(roomOf(some)), 0)
      const [from, to] = [one, other].map((place) => place % (countOf(packed) + 1)).sort((a, b) => a - b)
      expect(unpack(packed, from, to)).toEqual(entriesOf(some).slice(from, to))
    }),
  )
})
