import { describe, expect, it } from "vitest"
import { BodyPace } from "../../src/intake/bodyLimits.ts"

/** Asks at the end of each span, with what has come by then; the ends of the spans, in ms. */
const spansOf = (timeout: number, lengths: ReadonlyArray<number>): ReadonlyArray<number> => {
  const pace = new BodyPace(timeout)
  const ends: Array<number> = []
  let now = 0
  for (const length of lengths) {
    now += pace.span
    ends.push(now)
    if (!pace.holds(length)) break
  }
  return ends
}

const kilobyte = 1024

describe("BodyPace", () => {
  it("asks for a kilobyte a second in each span of ten", () => {
    expect(spansOf(30_000, [10 * kilobyte, 20 * kilobyte, 30 * kilobyte, 0])).toEqual([
      10_000, 20_000, 30_000,
    ])
    expect(spansOf(30_000, [10 * kilobyte, 20 * kilobyte - 1, 0])).toEqual([10_000, 20_000])
    expect(spansOf(30_000, [0, 0])).toEqual([10_000])
  })

  it("counts no span's bytes for the next one", () => {
    expect(spansOf(60_000, [1_000 * kilobyte, 1_000 * kilobyte, 0])).toEqual([10_000, 20_000])
  })

  it("ends at the deadline, however much has come", () => {
    expect(spansOf(25_000, [1e6, 2e6, 3e6, 4e6])).toEqual([10_000, 20_000, 25_000])
    expect(spansOf(100, [1e6, 2e6])).toEqual([100])
  })
})
