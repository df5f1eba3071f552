import { describe, expect, it } from "vitest"
import { perSecond } from "../../../web/logic/perSecond.ts"

const minute = 60_000

describe("a rate by minutes", () => {
  // Counting began 15 s before the end of the first minute, and the last one has run for 10 s.
  const buckets = { from: 0, step: minute, since: 45_000, at: 3 * minute + 10_000 }

  it("is taken over the time that each was counted for", () => {
    expect(perSecond(buckets, [30, 120, 0, 20])).toEqual([2, 2, 0, 2])
  })

  it("is unknown where nothing was counted, or not for long enough to say anything", () => {
    expect(perSecond({ ...buckets, since: minute - 4_999 }, [30, 120, 0, 20])).toEqual([null, 2, 0, 2])
    expect(perSecond({ ...buckets, at: 3 * minute + 4_999 }, [null, 120, 0, 20])).toEqual([null, 2, 0, null])
    expect(perSecond({ ...buckets, since: minute }, [null, 120, 0, 20])).toEqual([null, 2, 0, 2])
  })
})
