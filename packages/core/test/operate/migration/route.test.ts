import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Cut, firstAbove, lastBelow, route } from "../../../src/operate/migration/route.ts"
import * as Position from "../../../src/ports/Position.ts"

const highest = 6
const place = fc.integer({ min: 0, max: highest }).map(Position.fromNumber)
const cutsOf = (partitions: number) =>
  fc.array(fc.array(place, { minLength: partitions, maxLength: partitions }), { maxLength: 12 })
const ends = (partitions: number): Cut =>
  Array.from({ length: partitions }, () => Position.fromNumber(highest))

const isBelow = (one: Cut, other: Cut) => one.every((position, at) => position <= other[at]!)

const setUp = fc
  .integer({ min: 1, max: 4 })
  .chain((partitions) => fc.record({ end: fc.constant(ends(partitions)), cuts: cutsOf(partitions) }))

describe("a route", () => {
  it("only goes forward, and to the end", () => {
    fc.assert(
      fc.property(setUp, ({ cuts, end }) => {
        const stops = route(cuts, end)
        expect(stops.at(-1)).toEqual(end)
        for (const [at, stop] of stops.slice(1).entries()) {
          expect(isBelow(stops[at]!, stop)).toBe(true)
          expect(stop).not.toEqual(stops[at])
        }
      }),
    )
  })

  it("has a stop on either side of every cut", () => {
    fc.assert(
      fc.property(setUp, ({ cuts, end }) => {
        const stops = route(cuts, end)
        for (const cut of cuts) {
          expect(isBelow(stops[lastBelow(stops, cut)]!, cut)).toBe(true)
          expect(isBelow(cut, stops[firstAbove(stops, cut)]!)).toBe(true)
        }
      }),
    )
  })

  it("misses none that is before or behind each of the others", () => {
    fc.assert(
      fc.property(setUp, ({ cuts, end }) => {
        const stops = route(cuts, end)
        for (const cut of cuts) {
          if (cuts.every((other) => isBelow(cut, other) || isBelow(other, cut))) {
            expect(stops).toContainEqual(cut)
          }
        }
      }),
    )
  })

  it("stops at what two cuts have in common before it misses one", () => {
    const [three, four, five] = [3, 4, 5].map(Position.fromNumber) as [
      Position.Position,
      Position.Position,
      Position.Position,
    ]
    expect(
      route(
        [
          [five, three],
          [four, four],
        ],
        [five, five],
      ),
    ).toEqual(
      [
        [four, three],
        [four, four],
        [five, five],
      ].map((stop) => expect.toSatisfy((found: Cut) => found.length === stop.length)),
    )
  })
})
