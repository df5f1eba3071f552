import { describe, expect, it } from "vitest"
import { Buffers } from "../src/Buffers.ts"

describe("buffers", () => {
  it("one given back is used for what fits it", () => {
    const buffers = new Buffers()
    const first = buffers.take(1000)
    buffers.give(first)
    expect(buffers.take(2000)).toBe(first)
    expect(buffers.take(2000)).not.toBe(first)
  })

  it("have room for what was asked, also when smaller ones are kept", () => {
    const buffers = new Buffers()
    buffers.give(buffers.take(1))
    expect(buffers.take(1_000_001).length).toBeGreaterThanOrEqual(1_000_001)
  })

  it("large ones and many are not kept", () => {
    const buffers = new Buffers()
    const large = buffers.take(8 * 1024 * 1024)
    buffers.give(large)
    expect(buffers.take(1)).not.toBe(large)
    const all = [buffers.take(1), buffers.take(1), buffers.take(1)]
    for (const one of all) buffers.give(one)
    const again = [buffers.take(1), buffers.take(1), buffers.take(1)]
    expect(again.filter((one) => all.includes(one))).toHaveLength(2)
  })
})
