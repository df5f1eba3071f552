import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { describe, expect, it } from "vitest"
import * as PrometheusText from "../../../src/base/metrics/PrometheusText.ts"

describe("a family", () => {
  it("is written as Prometheus' text format has it", () => {
    expect(
      PrometheusText.format([
        {
          name: "requests_total",
          help: "Requests\nby path \\ method",
          type: "counter",
          samples: [
            { labels: { path: 'a"b\\c\nd', method: "GET" }, value: 3 },
            { labels: {}, value: Number.POSITIVE_INFINITY },
          ],
        },
        { name: "unused", help: "No sample, no lines", type: "gauge", samples: [] },
      ]),
    ).toBe(
      [
        "# HELP requests_total Requests\\nby path \\\\ method",
        "# TYPE requests_total counter",
        'requests_total{path="a\\"b\\\\c\\nd",method="GET"} 3',
        "requests_total +Inf",
        "",
      ].join("\n"),
    )
  })

  it("comes from effect's registry: one for all attributes of a name", () => {
    const counter = (route: string) =>
      Metric.counter("seen_total", { description: "Seen", attributes: { route }, incremental: true })
    const histogram = Metric.histogram("wait_seconds", { description: "Waited", boundaries: [1, 5] })
    const record = Effect.gen(function* () {
      yield* Metric.update(counter("a"), 2)
      yield* Metric.update(counter("b"), 1)
      yield* Metric.update(Metric.gauge("depth", { description: "Depth" }), -4)
      yield* Metric.update(histogram, 3)
      yield* Metric.update(histogram, 30)
      return PrometheusText.format(PrometheusText.families(yield* Metric.snapshot))
    })
    expect(Effect.runSync(Effect.provideService(record, Metric.MetricRegistry, new Map()))).toBe(
      [
        "# HELP seen_total Seen",
        "# TYPE seen_total counter",
        'seen_total{route="a"} 2',
        'seen_total{route="b"} 1',
        "# HELP depth Depth",
        "# TYPE depth gauge",
        "depth -4",
        "# HELP wait_seconds Waited",
        "# TYPE wait_seconds histogram",
        'wait_seconds_bucket{le="1"} 0',
        'wait_seconds_bucket{le="5"} 1',
        'wait_seconds_bucket{le="+Inf"} 2',
        "wait_seconds_sum 33",
        "wait_seconds_count 2",
        "",
      ].join("\n"),
    )
  })
})

describe("several processes", () => {
  const histogram = (route: string, least: number, count: number): PrometheusText.Family => ({
    name: "wait_seconds",
    help: "Waited",
    type: "histogram",
    samples: [{ labels: { route }, buckets: [[1, least]], sum: count * 2, count }],
  })

  it("add their histograms up, part by part", () => {
    const all = [[histogram("a", 1, 2)], [histogram("b", 0, 1)], [histogram("a", 3, 3)]]
    expect(PrometheusText.format(PrometheusText.sum(all))).toBe(
      [
        "# HELP wait_seconds Waited",
        "# TYPE wait_seconds histogram",
        'wait_seconds_bucket{route="a",le="1"} 4',
        'wait_seconds_bucket{route="a",le="+Inf"} 5',
        'wait_seconds_sum{route="a"} 10',
        'wait_seconds_count{route="a"} 5',
        'wait_seconds_bucket{route="b",le="1"} 0',
        'wait_seconds_bucket{route="b",le="+Inf"} 1',
        'wait_seconds_sum{route="b"} 2',
        'wait_seconds_count{route="b"} 1',
        "",
      ].join("\n"),
    )
  })

  it("leave out what has the same name and is something else", () => {
    const other: PrometheusText.Family = {
      name: "wait_seconds",
      help: "Somebody's",
      type: "gauge",
      samples: [{ labels: {}, value: 7 }],
    }
    expect(PrometheusText.sum([[histogram("a", 1, 1)], [other]])).toEqual([histogram("a", 1, 1)])
  })
})
