import type { Ledger } from "@millrace/core"
import type * as Metric from "effect/Metric"
import * as Prometheus from "./Prometheus.ts"

type Status = Ledger.DestinationStatus

/** Names of the command's own metrics, beside those of the core. */
const metricNames = {
  build: "millrace_build_info",
  storeUp: "millrace_store_up",
  destinationEvents: "millrace_destination_events_total",
  destinationPending: "millrace_destination_pending_events",
  destinationSent: "millrace_destination_sent_events_total",
  destinationFailures: "millrace_destination_failures_in_a_row",
  destinationCircuitOpen: "millrace_destination_circuit_open",
  destinationDisabled: "millrace_destination_disabled",
  processMemory: "process_resident_memory_bytes",
  processCpu: "process_cpu_seconds_total",
  processStart: "process_start_time_seconds",
} as const

const gauge = (name: string, help: string, value: number, labels = {}): Prometheus.Family => ({
  name,
  help,
  type: "gauge",
  samples: [{ labels, value }],
})

const outcomes = ["delivered", "filtered", "dead", "trimmed"] as const

const destinationFamilies = (statuses: ReadonlyArray<Status>): ReadonlyArray<Prometheus.Family> => {
  const each = (
    name: string,
    help: string,
    type: "counter" | "gauge",
    value: (status: Status) => number,
  ): Prometheus.Family => ({
    name,
    help,
    type,
    samples: statuses.map((status) => ({ labels: { destination: status.id }, value: value(status) })),
  })
  return [
    {
      name: metricNames.destinationEvents,
      help: "Events that a destination is done with, by what became of them",
      type: "counter",
      samples: statuses.flatMap((status) =>
        outcomes.map((outcome) => ({ labels: { destination: status.id, outcome }, value: status[outcome] })),
      ),
    },
    each(
      metricNames.destinationPending,
      "Events that wait for a destination",
      "gauge",
      ({ pending }) => pending,
    ),
    each(
      metricNames.destinationSent,
      "Events put on the wire, every attempt counted",
      "counter",
      ({ sent }) => sent,
    ),
    each(metricNames.destinationFailures, "Failed attempts in a row", "gauge", ({ failures }) => failures),
    each(
      metricNames.destinationCircuitOpen,
      "1 when so many failed that only probes are sent",
      "gauge",
      (status) => (status.circuit === "closed" ? 0 : 1),
    ),
    each(metricNames.destinationDisabled, "1 when a destination gets nothing", "gauge", ({ disabled }) =>
      disabled === null ? 0 : 1,
    ),
  ]
}

/**
 * Everything that `GET /metrics` shows.
 *
 * @param statuses of the destinations; `null` when the store does not answer
 */
export const text = (
  version: string,
  snapshots: ReadonlyArray<Metric.Metric.Snapshot>,
  statuses: ReadonlyArray<Status> | null,
): string =>
  Prometheus.format([
    gauge(metricNames.build, "Always 1; the version is in the label", 1, { version }),
    gauge(metricNames.storeUp, "1 when the store answers", statuses === null ? 0 : 1),
    ...Prometheus.families(snapshots),
    ...destinationFamilies(statuses ?? []),
    gauge(metricNames.processMemory, "Resident memory size in bytes", process.memoryUsage.rss()),
    {
      ...gauge(metricNames.processCpu, "User and system CPU time in seconds", cpuSeconds()),
      type: "counter",
    },
    gauge(
      metricNames.processStart,
      "When the process started, in seconds since the epoch",
      performance.timeOrigin / 1000,
    ),
  ])

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
