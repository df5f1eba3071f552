import { describe, expect, it } from "vitest"
import * as Telemetry from "../../src/base/Telemetry.ts"

describe("Telemetry", () => {
  it("keeps its names: dashboards and alerts are written against them", () => {
    expect(Telemetry.metricNames).toMatchObject({
      intakeRequests: "millrace_intake_requests_total",
      intakeEvents: "millrace_intake_events_total",
      intakeBytes: "millrace_intake_bytes_total",
    })
    expect(Telemetry.spanNames).toMatchObject({ intake: "millrace.intake" })
  })

  it("has a series for every outcome of an event", () => {
    expect(
      Object.entries(Telemetry.intakeEvents).map(([outcome, { attributes }]) => [outcome, attributes]),
    ).toEqual(["stored", "rejected", "duplicate", "failed"].map((outcome) => [outcome, { outcome }]))
  })
})
