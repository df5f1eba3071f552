import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { describe, expect, it } from "vitest"
import { counter, gauge } from "../../../src/base/metrics/MetricInfo.ts"
import { type Registry, Series } from "../../../src/base/metrics/Series.ts"

const info = counter("seen_total", ["route", "status"], "Seen")

const shown = (registry: Registry) =>
  Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)).map(
    ({ id, type, description, attributes, state }) => ({ id, type, description, attributes, state }),
  )

describe("series", () => {
  it("are in the registry of Effect's metrics, as it has its own", () => {
    const registry: Registry = new Map()
    Series.counters(registry, info).at("a", "200").add(2)
    expect(shown(registry)).toEqual([
      {
        id: "seen_total",
        type: "Counter",
        description: "Seen",
        attributes: { route: "a", status: "200" },
        state: { count: 2, incremental: true },
      },
    ])
  })

  it("are one for all who ask a registry for the same", () => {
    const registry: Registry = new Map()
    const cell = Series.counters(registry, info).at("a", "200")
    expect(Series.counters(registry, info).at("a", "200")).toBe(cell)
    expect(Series.counters(new Map(), info).at("a", "200")).not.toBe(cell)
  })

  it("are gone from it once they are not kept, and begin anew when they are asked for", () => {
    const registry: Registry = new Map()
    const series = Series.gauges(registry, gauge("depth", ["place"], "Depth"))
    series.at("here").set(3)
    series.at("there").set(4)
    series.retain(([place]) => place === "there")
    expect(shown(registry).map(({ attributes }) => attributes)).toEqual([{ place: "there" }])
    series.at("here")
    expect(shown(registry).at(-1)).toMatchObject({ attributes: { place: "here" }, state: { value: 0 } })
  })
})
