import * as fc from "fast-check"
import { expect, test } from "vitest"
import { timeUUIDs } from "../../src/entry/TimeUUID.ts"

const hexId = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 32, maxLength: 32 })

/** RFC 9562, 5.1. */
const read = (uuid: string) => {
  const [low, mid, high, sequence, node] = uuid.split("-") as [string, string, string, string, string]
  return {
    ticks: (BigInt(`0x${high.slice(1)}`) << 48n) | (BigInt(`0x${mid}`) << 32n) | BigInt(`0x${low}`),
    version: high[0],
    variant: Number.parseInt(sequence[0]!, 16) >> 2,
    multicast: Number.parseInt(node.slice(0, 2), 16) & 1,
  }
}

test("ticks are ms * 10,000 + index since 1582, in every version 1 UUID of every entry", () => {
  fc.assert(
    fc.property(
      hexId,
      fc.integer({ min: -12_219_292_800_000, max: 100_000_000_000_000 }),
      fc.integer({ min: 0, max: 9_999 }),
      (id, time, index) => {
        const uuid = timeUUIDs(id)(time, index)
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(read(uuid)).toEqual({
          ticks: (BigInt(time) + 12_219_292_800_000n) * 10_000n + BigInt(index),
          version: "1",
          variant: 2,
          multicast: 1,
        })
      },
    ),
    { numRuns: 1000 },
  )
})

test("two events of one entry never share one, nor do the same events of two entries", () => {
  fc.assert(
    fc.property(hexId, hexId, fc.integer({ min: 0, max: 2 ** 42 }), (one, two, time) => {
      const uuids = timeUUIDs(one)
      expect(new Set([0, 1, 2, 9_999].map((index) => uuids(time, index)))).toHaveLength(4)
      fc.pre(one.slice(18) !== two.slice(18))
      // 61 random bits of the id are left in the UUID.
      if (one.slice(22) !== two.slice(22)) expect(uuids(time, 0)).not.toBe(timeUUIDs(two)(time, 0))
    }),
  )
})

test("what was asked before changes nothing", () => {
  const times = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 42 }), fc.nat({ max: 9_999 })), {
    minLength: 1,
  })
  fc.assert(
    fc.property(hexId, times, (id, asked) => {
      const uuids = timeUUIDs(id)
      expect(asked.map(([time, index]) => uuids(time, index))).toEqual(
        asked.map(([time, index]) => timeUUIDs(id)(time, index)),
      )
    }),
  )
})

test.each([Number.MAX_SAFE_INTEGER, 1e300, -1e300, -12_219_292_800_001])(
  "%s ms is out of range: it is clamped, and still a UUID",
  (time) => {
    expect(timeUUIDs("0".repeat(32))(time, 9_999)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-/)
  },
)
