import type { Ledger } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { describe, expect, test } from "vitest"
import * as Metrics from "../../src/metrics/Metrics.ts"
import * as Prometheus from "../../src/metrics/Prometheus.ts"

const status: Ledger.DestinationStatus = {
  id: "warehouse",
  due: 10,
  delivered: 4,
  filtered: 3,
  dead: 1,
  trimmed: 0,
  pending: 2,
  sent: 6,
  failures: 12,
  failingSince: 1,
  circuit: "open",
  disabled: null,
}

const everything: Metrics.Everything = {
  version: "1.2.3",
  own: Metrics.report(),
  statuses: [],
  workers: null,
  isReady: true,
}

describe("a family", () => {
  test("is written as Prometheus' text format has it", () => {
    expect(
      Prometheus.format([
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

  test("comes from effect's registry: one for all attributes of a name", () => {
    const counter = (route: string) =>
      Metric.counter("seen_total", { description: "Seen", attributes: { route }, incremental: true })
    const histogram = Metric.histogram("wait_seconds", { description: "Waited", boundaries: [1, 5] })
    const record = Effect.gen(function* () {
      yield* Metric.update(counter("a"), 2)
      yield* Metric.update(counter("b"), 1)
      yield* Metric.update(Metric.gauge("depth", { description: "Depth" }), -4)
      yield* Metric.update(histogram, 3)
      yield* Metric.update(histogram, 30)
      return Prometheus.format(Prometheus.families(yield* Metric.snapshot))
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

describe("the page", () => {
  test("shows how every destination is doing", () => {
    const text = Metrics.text({ ...everything, statuses: [status] })
    expect(text).toContain('millrace_build_info{version="1.2.3"} 1\n')
    expect(text).toContain("millrace_store_up 1\n")
    expect(text).toContain("millrace_ready 1\n")
    expect(text).toContain(
      'millrace_destination_events_total{destination="warehouse",outcome="delivered"} 4\n',
    )
    expect(text).toContain('millrace_destination_events_total{destination="warehouse",outcome="dead"} 1\n')
    expect(text).toContain('millrace_destination_pending_events{destination="warehouse"} 2\n')
    expect(text).toContain('millrace_destination_circuit_open{destination="warehouse"} 1\n')
    expect(text).toContain('millrace_destination_disabled{destination="warehouse"} 0\n')
  })

  test("is there without the store", () => {
    const text = Metrics.text({ ...everything, statuses: null, isReady: false })
    expect(text).toContain("millrace_store_up 0\n")
    expect(text).toContain("millrace_ready 0\n")
    expect(text).not.toContain("millrace_destination")
    expect(text).toContain("process_resident_memory_bytes ")
  })
})

describe("several processes", () => {
  const countedBy = (seen: ReadonlyArray<readonly [route: string, value: number]>): Metrics.Report => ({
    families: [
      {
        name: "seen_total",
        help: "Seen",
        type: "counter",
        samples: seen.map(([route, value]) => ({ labels: { route }, value })),
      },
    ],
    process: { memory: 1000, cpuSeconds: 0.5, startedAt: 1 },
  })

  test("are one in what they count, those that have ended too, and each itself in what it takes", () => {
    const text = Metrics.text({
      ...everything,
      own: countedBy([["a", 1]]),
      workers: {
        past: countedBy([["b", 10]]).families,
        reports: new Map([
          [
            1,
            {
              ...countedBy([
                ["a", 2],
                ["b", 3],
              ]),
              connections: 6,
            },
          ],
          [2, { ...countedBy([["c", 4]]), connections: 7 }],
        ]),
        restarts: 5,
      },
    })
    expect(text).toContain(
      '# TYPE seen_total counter\nseen_total{route="a"} 3\nseen_total{route="b"} 13\nseen_total{route="c"} 4\n#',
    )
    expect(text).toContain("millrace_workers 2\n")
    expect(text).toContain("millrace_worker_restarts_total 5\n")
    expect(text).toContain(
      'millrace_worker_connections{worker="1"} 6\nmillrace_worker_connections{worker="2"} 7\n',
    )
    expect(text).toContain(
      'process_resident_memory_bytes 1000\nprocess_resident_memory_bytes{worker="1"} 1000\nprocess_resident_memory_bytes{worker="2"} 1000\n',
    )
  })

  test("add their histograms up, part by part", () => {
    const histogram = (suffix: "_bucket" | "_sum", value: number): Prometheus.Family => ({
      name: "wait_seconds",
      help: "Waited",
      type: "histogram",
      samples: [{ labels: { le: "1" }, suffix, value }],
    })
    const all = [[histogram("_bucket", 1)], [histogram("_sum", 2)], [histogram("_bucket", 3)]]
    expect(Prometheus.format(Prometheus.sum(all))).toContain(
      'wait_seconds_bucket{le="1"} 4\nwait_seconds_sum{le="1"} 2\n',
    )
  })
})
