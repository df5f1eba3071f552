import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Histogram } from "../../../src/base/metrics/cells.ts"

const bounds = [1, 10, 100, 1_000]

describe("a histogram", () => {
  it("counts each duration into every bucket that it fits, and shows seconds", () => {
    const durations = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1 })
    fc.assert(
      fc.property(durations, (all) => {
        const histogram = new Histogram(bounds)
        for (const one of all) histogram.observe(one)
        const { buckets, count, sum, min, max } = histogram.state
        expect(buckets).toEqual(
          bounds.map((bound) => [bound / 1_000, all.filter((one) => one <= bound).length]),
        )
        expect(count).toBe(all.length)
        expect(sum).toBe(all.reduce((total, one) => total + one, 0) / 1_000)
        expect([min, max]).toEqual([Math.min(...all) / 1_000, Math.max(...all) / 1_000])
      }),
    )
  })

  it("takes what a clock measured that was set back for nothing", () => {
    const histogram = new Histogram(bounds)
    histogram.observe(-3_600_000)
    histogram.observe(Number.NaN)
    expect(histogram.state).toMatchObject({ sum: 0, count: 2, min: 0, max: 0 })
    expect(histogram.state.buckets[0]).toEqual([0.001, 2])
  })

  it("has no least and no greatest before the first", () => {
    expect(new Histogram(bounds).state).toMatchObject({ count: 0, sum: 0, min: 0, max: 0 })
  })
})
