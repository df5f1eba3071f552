import * as fc from "fast-check"
import { expect, test } from "vitest"
import { Buckets, type Range, spanOf } from "../../src/base/Buckets.ts"

const hour = 3_600_000

const span: Readonly<Record<Range, number>> = {
  "1h": hour,
  "6h": 6 * hour,
  "24h": 24 * hour,
  "7d": 168 * hour,
}

const ranges = Object.keys(span) as ReadonlyArray<Range>

/** Times only go on: a clock that was put back writes nothing over what is newer. */
const steps = fc.array(
  fc.record({
    pause: fc.constantFrom(0, 1, 59_999, 60_000, 15 * 60_000, hour, 30 * hour, 200 * hour),
    added: fc.nat(5),
    set: fc.option(fc.nat(5)),
  }),
  { maxLength: 40 },
)

test.each(ranges)("of %s has what a plain list has", (range) => {
  fc.assert(
    fc.property(fc.nat(10 * hour), steps, (start, plan) => {
      const buckets = new Buckets(2)
      let now = 1000 * hour + start
      const all = plan.map(({ pause, added, set }) => {
        now += pause
        buckets.add(now, 0, added)
        if (set !== null) buckets.set(now, 1, set)
        return { at: now, added, set }
      })
      const { from, step, count } = spanOf(range, now)
      expect(count * step).toBe(span[range])
      expect(from + count * step).toBeGreaterThan(now)
      const shown = buckets.show(range, now)
      const within = (index: number) =>
        all.filter(({ at }) => at >= from + index * step && at < from + (index + 1) * step)
      const indices = Array.from({ length: count }, (_, index) => index)
      expect(shown.sums(0)).toEqual(
        indices.map((index) => within(index).reduce((sum, { added }) => sum + added, 0)),
      )
      expect(shown.last(1)).toEqual(
        indices.map((index) => within(index).findLast(({ set }) => set !== null)?.set ?? null),
      )
    }),
  )
})

test("a clock that is put back by hours counts nothing twice", () => {
  const buckets = new Buckets(1)
  const now = 1000 * hour
  buckets.add(now, 0, 1)
  buckets.add(now - 6 * hour, 0, 1)
  expect(
    buckets
      .show("6h", now)
      .sums(0)
      .reduce((sum, count) => sum + count, 0),
  ).toBe(1)
})
