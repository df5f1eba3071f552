import { day, minute } from "../text/times.ts"

/** Room for the scale at the left, and for times below. */
export const gutter = 44
export const foot = 18
export const headroom = 8

/** The end of a scale: a round number that the greatest value fits below. */
export const niceMax = (max: number): number => {
  if (max <= 0) return 1
  const unit = 10 ** Math.floor(Math.log10(max))
  return [1, 2, 4, 6, 8, 10].map((step) => step * unit).find((value) => value >= max * 1.02) ?? max * 1.02
}

const minutes = 60_000
const hours = 60 * minutes
const days = 24 * hours

/** The distance of times below a chart of this length: five to eight of them fit. */
const tickEvery = (length: number): number => {
  if (length > 3 * days) return days
  if (length > 12 * hours) return 4 * hours
  return length > 2 * hours ? hours : 15 * minutes
}

export interface Tick {
  readonly index: number
  readonly text: string
}

export const timeTicks = (t: ReadonlyArray<number>, step: number): ReadonlyArray<Tick> => {
  const every = tickEvery(t.length * step)
  return t.flatMap((time, index) => {
    const local = time - new Date(time).getTimezoneOffset() * minutes
    return local % every < step ? [{ index, text: every === days ? day(time) : minute(time) }] : []
  })
}

/** Gaps stay gaps: `null` is where nothing is known. */
export const linePath = (
  values: ReadonlyArray<number | null>,
  x: (index: number) => number,
  y: (value: number) => number,
): string => {
  let isOpen = false
  let path = ""
  values.forEach((value, index) => {
    if (value === null) {
      isOpen = false
      return
    }
    path += `${isOpen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    isOpen = true
  })
  return path
}

/** Bars on a base that grows with each series; none thinner than can be seen. */
export const barPath = (
  values: ReadonlyArray<number | null>,
  base: Array<number>,
  x: (index: number) => number,
  y: (value: number) => number,
  broad: number,
): string =>
  values
    .map((value, index) => {
      if (!value) return ""
      const from = y(base[index]!)
      base[index]! += value
      const to = Math.min(y(base[index]!), from - 1.5)
      return `M${x(index).toFixed(1)} ${from.toFixed(1)}V${to.toFixed(1)}h${broad.toFixed(1)}V${from.toFixed(1)}z`
    })
    .join("")
