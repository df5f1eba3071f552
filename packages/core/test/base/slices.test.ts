import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Slice, type Slices, toTheEnd } from "../../src/base/slices.ts"

function* doing(works: ReadonlyArray<number>, slice: Slice): Slices<string> {
  for (const work of works) if (slice.isFull(work)) yield
  return "done"
}

it("a slice is full before more is done than it holds, unless one piece of work is more", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), fc.integer({ min: 1, max: 30 }), (works, most) => {
      const slice = new Slice(most)
      const slices: Array<Array<number>> = [[]]
      for (const work of works) {
        if (slice.isFull(work)) slices.push([])
        slices.at(-1)!.push(work)
      }
      for (const [place, one] of slices.entries()) {
        const sum = one.reduce((all, work) => all + work, 0)
        const [first = 0, ...more] = one.filter((work) => work > 0)
        expect(sum <= most || (more.length === 0 && sum === first)).toBe(true)
        // Nothing is put off that would have fitted.
        if (place > 0) {
          const before = slices[place - 1]!.reduce((all, work) => all + work, 0)
          expect(before + one[0]!).toBeGreaterThan(most)
        }
      }
    }),
  )
})

it("work in slices is run to its end by a loop, too", () => {
  expect(toTheEnd(doing([1, 2, 3], new Slice(1)))).toBe("done")
})
