import type { Counter } from "../base/metrics/cells.ts"
import { coreMetrics } from "../base/metrics/coreMetrics.ts"
import { type Registry, Series } from "../base/metrics/Series.ts"
import type { IntakeOutcome } from "../base/Telemetry.ts"

/** What intake counts for those who watch from outside. */
export interface IntakeMeters {
  /** Events, by what became of them. */
  readonly events: Readonly<Record<IntakeOutcome, Counter>>
  /** Bytes of bodies, decompressed. */
  readonly bytes: Counter
}

export const make = (registry: Registry): IntakeMeters => {
  const events = Series.counters(registry, coreMetrics.intakeEvents)
  return {
    events: {
      stored: events.at("stored"),
      rejected: events.at("rejected"),
      duplicate: events.at("duplicate"),
      failed: events.at("failed"),
    },
    bytes: Series.counters(registry, coreMetrics.intakeBytes).at(),
  }
}
