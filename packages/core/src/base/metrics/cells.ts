import type * as Metric from "effect/Metric"

/** A number that only grows. */
export class Counter {
  #count = 0

  add(count: number): void {
    this.#count += count
  }

  /** For one that is counted elsewhere. */
  set(count: number): void {
    this.#count = count
  }

  get state(): Metric.CounterState<number> {
    return { count: this.#count, incremental: true }
  }
}

/** A number as it is now. */
export class Gauge {
  #value = 0

  set(value: number): void {
    this.#value = value
  }

  get state(): Metric.GaugeState<number> {
    return { value: this.#value }
  }
}

/**
 * Durations by bucket. Effect's own counts with 32 bits, which a busy intake fills within days, and
 * looks itself up with every update.
 */
export class Histogram {
  readonly #bounds: Float64Array
  /** By bucket, not added up; the last one is of what is beyond all bounds. */
  readonly #counts: Float64Array
  /** The sum, the least and the greatest, in ms: a field of an object would be a new number. */
  readonly #extent = new Float64Array([0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])

  /** @param bounds in ms, the least first */
  constructor(bounds: ReadonlyArray<number>) {
    this.#bounds = Float64Array.from(bounds)
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** A clock that was set back has measured nothing. */
  observe(millis: number): void {
    const bounds = this.#bounds
    const extent = this.#extent
    const value = millis > 0 ? millis : 0
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.#counts[bucket]! += 1
    extent[0]! += value
    if (value < extent[1]!) extent[1] = value
    if (value > extent[2]!) extent[2] = value
  }

  /** In seconds, each bucket with all below it. */
  get state(): Metric.HistogramState {
    let count = 0
    const buckets = Array.from(this.#bounds, (bound, index): [number, number] => {
      count += this.#counts[index]!
      return [bound / 1_000, count]
    })
    count += this.#counts[this.#bounds.length]!
    const [sum, min, max] = this.#extent
    return {
      buckets,
      count,
      sum: sum! / 1_000,
      min: count === 0 ? 0 : min! / 1_000,
      max: count === 0 ? 0 : max! / 1_000,
    }
  }
}
