import type * as Metric from "effect/Metric"
import { Counter, Gauge, Histogram } from "./cells.ts"
import type { CounterInfo, GaugeInfo, HistogramInfo, MetricInfo } from "./MetricInfo.ts"

export type Registry = (typeof Metric.MetricRegistry)["Service"]

type Cell = Counter | Gauge | Histogram

const types = { counter: "Counter", gauge: "Gauge", histogram: "Histogram" } as const

const nothing = (): void => {}

/** Which cell stands behind an entry of a registry: several of one process count into one. */
const cells = new WeakMap<object, Cell>()

/**
 * The series of one metric, by the values of its labels, in the registry that Effect's own
 * exporters read. A cell is asked for once and kept: to count is then an addition, and nothing is
 * looked up.
 */
export class Series<C extends Cell> {
  readonly #registry: Registry
  readonly #info: MetricInfo
  readonly #make: () => C
  readonly #made = new Map<string, { readonly values: ReadonlyArray<string>; readonly cell: C }>()

  private constructor(registry: Registry, info: MetricInfo, make: () => C) {
    this.#registry = registry
    this.#info = info
    this.#make = make
  }

  static counters(registry: Registry, info: CounterInfo): Series<Counter> {
    return new Series(registry, info, () => new Counter())
  }

  static gauges(registry: Registry, info: GaugeInfo): Series<Gauge> {
    return new Series(registry, info, () => new Gauge())
  }

  static histograms(registry: Registry, info: HistogramInfo): Series<Histogram> {
    return new Series(registry, info, () => new Histogram(info.bounds))
  }

  /** @param values of the metric's labels, in their order */
  at(...values: ReadonlyArray<string>): C {
    const key = this.#keyOf(values)
    const known = this.#made.get(key)
    if (known !== undefined) return known.cell
    const cell = this.#enter(key, values)
    this.#made.set(key, { values, cell })
    return cell
  }

  /** Takes the series out of the registry that are not asked for. */
  retain(isKept: (values: ReadonlyArray<string>) => boolean): void {
    for (const [key, { values }] of this.#made) {
      if (isKept(values)) continue
      this.#made.delete(key)
      this.#registry.delete(key)
    }
  }

  #keyOf(values: ReadonlyArray<string>): string {
    return values.length === 0 ? this.#info.name : JSON.stringify([this.#info.name, ...values])
  }

  #enter(key: string, values: ReadonlyArray<string>): C {
    const entry = this.#registry.get(key)
    const there = entry === undefined ? undefined : cells.get(entry)
    if (there !== undefined) return there as C
    const { name, type, labels, help } = this.#info
    const cell = this.#make()
    const made = {
      id: name,
      type: types[type],
      description: help,
      attributes: Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""])),
      hooks: { get: () => cell.state, update: nothing, modify: nothing },
    }
    cells.set(made, cell)
    this.#registry.set(key, made)
    return cell
  }
}
