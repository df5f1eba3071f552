import fc from "fast-check"
import { expect, it } from "vitest"
import { Buffers } from "../src/Buffers.ts"

const megabyte = 1024 * 1024

const size = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: megabyte, max: 3 * megabyte }),
  fc.constantFrom(4 * megabyte, 4 * megabyte + 1, 9 * megabyte),
)

const step = fc.oneof(
  fc.record({ kind: fc.constant("take" as const), size }),
  fc.record({ kind: fc.constant("give back" as const), place: fc.nat() }),
)

it("gives nobody a buffer that is in use, nor one that is too small, nor one of more than twice the size asked for", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const buffers = new Buffers()
      const inUse: Array<ArrayBuffer> = []
      for (const one of steps) {
        if (one.kind === "take") {
          const taken = buffers.take(one.size)
          expect(inUse).not.toContain(taken)
          expect(taken.byteLength).toBeGreaterThanOrEqual(one.size)
          expect(taken.byteLength).toBeLessThanOrEqual(Math.max(4096, 2 * one.size))
          inUse.push(taken)
        } else if (inUse.length > 0) {
          for (const free of inUse.splice(one.place % inUse.length, 1)) buffers.giveBack(free)
        }
      }
    }),
  )
})

it("keeps four megabytes, and of them what has been asked for of late", () => {
  const buffers = new Buffers()
  const take = (count: number, bytes: number) => Array.from({ length: count }, () => buffers.take(bytes))
  const large = take(4, megabyte)
  const small = take(8, 1000)
  for (const buffer of [...small, ...large]) buffers.giveBack(buffer)
  const again = take(8, 1000)
  expect(new Set(again)).toEqual(new Set(small))
  // Room for the small ones was made among the large ones, which nobody has asked for since.
  for (const buffer of again) buffers.giveBack(buffer)
  const found = take(4, megabyte).filter((buffer) => large.includes(buffer))
  expect(found).toHaveLength(3)
})

it("does not keep what is larger than all it keeps", () => {
  const buffers = new Buffers()
  const taken = buffers.take(5 * megabyte)
  buffers.giveBack(taken)
  expect(buffers.take(5 * megabyte)).not.toBe(taken)
})
