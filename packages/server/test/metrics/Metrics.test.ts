import type { PrometheusText } from "@millrace/core/host"
import { describe, expect, test } from "vitest"
import * as Metrics from "../../src/metrics/Metrics.ts"

const report = (families: ReadonlyArray<PrometheusText.Family>, memory: number): Metrics.Report => ({
  families,
  process: { memory, cpuSeconds: 0.5, startedAt: 1, loopDelay: { p99: 0.01, max: 0.2 } },
})

const everything: Metrics.Everything = { version: "1.2.3", own: report([], 1000), workers: null }

describe("the page", () => {
  test("shows what a process knows of itself, and what it has counted", () => {
    const ready: PrometheusText.Family = {
      name: "millrace_ready",
      help: "Ready",
      type: "gauge",
      samples: [{ labels: {}, value: 1 }],
    }
    const text = Metrics.text({ ...everything, own: report([ready], 1000) })
    expect(text).toContain('millrace_build_info{version="1.2.3"} 1\n')
    expect(text).toContain("# TYPE millrace_ready gauge\nmillrace_ready 1\n")
    expect(text).toContain("process_resident_memory_bytes 1000\n")
    expect(text).toContain("millrace_event_loop_delay_p99_seconds 0.01\n")
    expect(text).toContain("millrace_event_loop_delay_max_seconds 0.2\n")
    expect(text).not.toContain("worker")
  })
})

describe("several processes", () => {
  const countedBy = (
    seen: ReadonlyArray<readonly [route: string, value: number]>,
    memory: number,
  ): Metrics.Report =>
    report(
      [
        {
          name: "seen_total",
          help: "Seen",
          type: "counter",
          samples: seen.map(([route, value]) => ({ labels: { route }, value })),
        },
      ],
      memory,
    )

  test("are one in what they count, those that have ended too, and each itself in what it takes", () => {
    const first: ReadonlyArray<readonly [string, number]> = [
      ["a", 2],
      ["b", 3],
    ]
    const text = Metrics.text({
      ...everything,
      own: countedBy([["a", 1]], 1000),
      workers: {
        past: countedBy([["b", 10]], 0).families,
        reports: new Map([
          [1, { ...countedBy(first, 2000), connections: 6 }],
          [2, { ...countedBy([["c", 4]], 3000), connections: 7 }],
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
      'process_resident_memory_bytes 1000\nprocess_resident_memory_bytes{worker="1"} 2000\nprocess_resident_memory_bytes{worker="2"} 3000\n',
    )
  })
})
