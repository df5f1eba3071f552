import type { Position } from "../../ports/Position.ts"

/** A place in each of several partitions. */
export type Cut = ReadonlyArray<Position>

const isBelow = (one: Cut, other: Cut): boolean => one.every((position, at) => position <= other[at]!)

const isSame = (one: Cut, other: Cut): boolean => one.every((position, at) => position === other[at])

/** The highest place below both. */
const meet = (one: Cut, other: Cut): Cut =>
  one.map((position, at) => (position < other[at]! ? position : other[at]!))

const distinct = (cuts: ReadonlyArray<Cut>): ReadonlyArray<Cut> => [
  ...new Map(cuts.map((cut) => [JSON.stringify(cut), cut])).values(),
]

/** The one that can be passed through with the fewest of the others missed. */
const leastInTheWay = (cuts: ReadonlyArray<Cut>): Cut => {
  const missed = (cut: Cut): number => cuts.filter((other) => !isBelow(cut, other)).length
  return cuts.reduce((best, cut) => (missed(cut) < missed(best) ? cut : best))
}

/**
 * A way through several partitions at once that only goes forward, in stops, and passes through as
 * many of the cuts as it can: all of them in one partition, and wherever each of two cuts is behind
 * the other in all partitions or none. A cut that is missed has a stop below it, as close as the
 * way comes.
 *
 * @param end where the way ends: no cut lies behind it
 */
export const route = (cuts: ReadonlyArray<Cut>, end: Cut): ReadonlyArray<Cut> => {
  const stops: Array<Cut> = []
  let left = distinct([...cuts, end])
  while (left.length > 0) {
    const low = left.reduce(meet)
    const last = stops.at(-1)
    if (last === undefined || !isSame(last, low)) stops.push(low)
    const rest = left.filter((cut) => !isSame(cut, low))
    if (rest.length < left.length) left = rest
    else {
      const next = leastInTheWay(left)
      left = left.filter((cut) => isBelow(next, cut))
    }
  }
  return stops
}

/** The last stop that is not behind a cut of its route. */
export const lastBelow = (stops: ReadonlyArray<Cut>, cut: Cut): number =>
  stops.findLastIndex((stop) => isBelow(stop, cut))

/** The first stop that is not before a cut of its route. */
export const firstAbove = (stops: ReadonlyArray<Cut>, cut: Cut): number =>
  stops.findIndex((stop) => isBelow(cut, stop))
