const minute = 60_000

const quarter = 15 * minute

/** Six hours of minutes, and a week of quarters of an hour. */
const lengths = { minutes: 360, quarters: 672 } as const

/** The largest number of a cell: 49 days in ms, and more events than come in 15 minutes. */
const most = 2 ** 32 - 1

/** Which stretch of time is asked for, ending now. */
export type Range = "1h" | "6h" | "24h" | "7d"

/** How many cells make a bucket that is shown, and how many buckets there are: 60 to 96. */
const shown: Readonly<Record<Range, { ring: keyof typeof lengths; each: number; count: number }>> = {
  "1h": { ring: "minutes", each: 1, count: 60 },
  "6h": { ring: "minutes", each: 5, count: 72 },
  "24h": { ring: "quarters", each: 1, count: 96 },
  "7d": { ring: "quarters", each: 8, count: 84 },
}

/** The newest cells of one length; an older one's room is taken by a newer one. */
class Ring {
  readonly step: number
  readonly #length: number
  readonly #columns: number
  readonly #cells: Uint32Array
  /** Which stretch of time a place holds, counted from the epoch. */
  readonly #stamps: Float64Array

  constructor(step: number, length: number, columns: number) {
    this.step = step
    this.#length = length
    this.#columns = columns
    this.#cells = new Uint32Array(length * columns)
    this.#stamps = new Float64Array(length).fill(-1)
  }

  /** Where the cells of a time begin; -1 when it is too long ago. */
  placeFor(at: number): number {
    const stamp = Math.floor(at / this.step)
    const place = stamp % this.#length
    const known = this.#stamps[place]!
    if (known > stamp || stamp < 0) return -1
    if (known < stamp) {
      this.#stamps[place] = stamp
      this.#cells.fill(0, place * this.#columns, (place + 1) * this.#columns)
    }
    return place * this.#columns
  }

  add(at: number, column: number, count: number): void {
    const place = this.placeFor(at)
    if (place >= 0) this.#cells[place + column] = Math.min(this.#cells[place + column]! + count, most)
  }

  set(at: number, column: number, value: number): void {
    const place = this.placeFor(at)
    if (place >= 0) this.#cells[place + column] = Math.min(Math.max(Math.round(value), 0), most)
  }

  /** 0 where nothing was said. */
  get(stamp: number, column: number): number {
    const place = stamp < 0 ? -1 : stamp % this.#length
    return place >= 0 && this.#stamps[place] === stamp ? this.#cells[place * this.#columns + column]! : 0
  }
}

/** Where the buckets of a range lie. */
export interface Span {
  /** When the first one begins, and how long each is. */
  readonly from: number
  readonly step: number
  readonly count: number
}

/** The last bucket is the one that has begun. */
export const spanOf = (range: Range, now: number): Span => {
  const { ring, each, count } = shown[range]
  const step = (ring === "minutes" ? minute : quarter) * each
  return { from: (Math.floor(now / step) - count + 1) * step, step, count }
}

/** The buckets of a range, the oldest first. */
export interface Shown extends Span {
  /** What was added to a column, by bucket. */
  readonly sums: (column: number) => ReadonlyArray<number>
  /** What a column was set to last, by bucket; `null` where it was not. */
  readonly last: (column: number) => ReadonlyArray<number | null>
}

/**
 * Numbers by time, in columns: each minute of six hours, and each quarter of an hour of a week.
 * What is older is forgotten. A column has numbers of 4 bytes: 4 KB in all.
 */
export class Buckets {
  readonly #minutes: Ring
  readonly #quarters: Ring

  constructor(columns: number) {
    this.#minutes = new Ring(minute, lengths.minutes, columns)
    this.#quarters = new Ring(quarter, lengths.quarters, columns)
  }

  add(at: number, column: number, count: number): void {
    this.#minutes.add(at, column, count)
    this.#quarters.add(at, column, count)
  }

  /** A column is either added to or set. */
  set(at: number, column: number, value: number): void {
    // 0 stands for what was never set.
    this.#minutes.set(at, column, Math.max(value, 0) + 1)
    this.#quarters.set(at, column, Math.max(value, 0) + 1)
  }

  /** What was added to a column in the last so many minutes, the one that has begun included. */
  inMinutes(count: number, column: number, now: number): number {
    const last = Math.floor(now / minute)
    let sum = 0
    for (let stamp = last - count + 1; stamp <= last; stamp++) sum += this.#minutes.get(stamp, column)
    return sum
  }

  show(range: Range, now: number): Shown {
    const { ring: name, each } = shown[range]
    const ring = name === "minutes" ? this.#minutes : this.#quarters
    const { from, step, count } = spanOf(range, now)
    const buckets = <A>(make: (stamp: number) => A): ReadonlyArray<A> =>
      Array.from({ length: count }, (_, index) => make(from / ring.step + index * each))
    return {
      from,
      step,
      count,
      sums: (column) =>
        buckets((first) => {
          let sum = 0
          for (let stamp = first; stamp < first + each; stamp++) sum += ring.get(stamp, column)
          return sum
        }),
      last: (column) =>
        buckets((first) => {
          for (let stamp = first + each - 1; stamp >= first; stamp--) {
            const value = ring.get(stamp, column)
            if (value > 0) return value - 1
          }
          return null
        }),
    }
  }
}
