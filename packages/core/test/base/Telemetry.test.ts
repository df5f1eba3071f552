import { describe, expect, it } from "vitest"
import * as Telemetry from "../../src/base/Telemetry.ts"

const metrics = Object.values(Telemetry.metrics)

describe("Telemetry", () => {
  it("keeps its names: dashboards and alerts are written against them", () => {
    expect(metrics.map(({ name }) => name)).toEqual([
      "millrace_ready",
      "millrace_store_up",
      "millrace_intake_requests_total",
      "millrace_intake_request_duration_seconds",
      "millrace_intake_events_total",
      "millrace_intake_bytes_total",
      "millrace_log_bytes",
      "millrace_log_max_bytes",
      "millrace_destination_events_total",
      "millrace_destination_pending_events",
      "millrace_destination_oldest_pending_age_seconds",
      "millrace_destination_sent_events_total",
      "millrace_destination_failures_in_a_row",
      "millrace_destination_circuit_open",
      "millrace_destination_disabled",
      "millrace_destination_attempts_total",
      "millrace_destination_attempt_duration_seconds",
      "millrace_destination_delivery_delay_seconds",
      "millrace_dead_letters",
    ])
    expect(Telemetry.spanNames).toMatchObject({ intake: "millrace.intake" })
  })

  it("names metrics as Prometheus asks for it", () => {
    for (const { name, type, labels } of metrics) {
      expect(name).toMatch(/^millrace_[a-z_]+$/)
      expect(name.endsWith("_total")).toBe(type === "counter")
      if (type === "histogram") expect(name).toMatch(/_seconds$/)
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/)
    }
  })

  it("has bounds that rise", () => {
    for (const metric of metrics) {
      if (metric.type !== "histogram") continue
      expect(metric.bounds).toEqual([...metric.bounds].sort((a, b) => a - b))
    }
  })
})
