import type { Ingest } from "@millrace/core"
import type { Ledger } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Prometheus from "./Prometheus.ts"

type Status = Ledger.DestinationStatus

/** Names of the command's own metrics, beside those of the core. */
const metricNames = {
  build: "millrace_build_info",
  ready: "millrace_ready",
  storeUp: "millrace_store_up",
  destinationEvents: "millrace_destination_events_total",
  destinationPending: "millrace_destination_pending_events",
  destinationSent: "millrace_destination_sent_events_total",
  destinationFailures: "millrace_destination_failures_in_a_row",
  destinationCircuitOpen: "millrace_destination_circuit_open",
  destinationDisabled: "millrace_destination_disabled",
  workers: "millrace_workers",
  workerRestarts: "millrace_worker_restarts_total",
  workerConnections: "millrace_worker_connections",
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

/** A metric of several: a sample for each. */
const familyOf =
  <A>(items: ReadonlyArray<A>, labels: (item: A) => Prometheus.Sample["labels"]) =>
  (name: string, help: string, type: "counter" | "gauge", value: (item: A) => number): Prometheus.Family => ({
    name,
    help,
    type,
    samples: items.map((item) => ({ labels: labels(item), value: value(item) })),
  })

const outcomes = ["delivered", "filtered", "dead", "trimmed"] as const

const destinationFamilies = (statuses: ReadonlyArray<Status>): ReadonlyArray<Prometheus.Family> => {
  const each = familyOf(statuses, ({ id }) => ({ destination: id }))
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
      "Events that left for a destination, every attempt counted",
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

/** What one process knows of itself. */
export interface ProcessReport {
  /** Resident, in bytes. */
  readonly memory: number
  readonly cpuSeconds: number
  /** In seconds since the epoch. */
  readonly startedAt: number
}

/** What one process has counted. */
export interface Report {
  readonly families: ReadonlyArray<Prometheus.Family>
  readonly process: ProcessReport
}

export interface WorkerReport extends Report {
  /** What its intake has noticed since it last said so, where it says so. */
  readonly noticed?: Ingest.Noticed
  /** How many it has open. */
  readonly connections: number
}

export const report = (): Report => ({
  families: Prometheus.families(Effect.runSync(Metric.snapshot)),
  process: {
    memory: process.memoryUsage.rss(),
    cpuSeconds: cpuSeconds(),
    startedAt: performance.timeOrigin / 1000,
  },
})

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** The other processes of a server, as the one that leads them knows them. */
export interface Workers {
  /** What those have counted that have ended, or do not answer. */
  readonly past: ReadonlyArray<Prometheus.Family>
  /** The reports of the workers that answer, by number. */
  readonly reports: ReadonlyMap<number, WorkerReport>
  /** How many had to be replaced. */
  readonly restarts: number
}

interface Labelled {
  readonly labels: Prometheus.Sample["labels"]
  readonly process: ProcessReport
}

const processFamilies = (processes: ReadonlyArray<Labelled>): ReadonlyArray<Prometheus.Family> => {
  const each = familyOf(processes, ({ labels }) => labels)
  return [
    each(
      metricNames.processMemory,
      "Resident memory size in bytes",
      "gauge",
      ({ process }) => process.memory,
    ),
    each(
      metricNames.processCpu,
      "User and system CPU time in seconds",
      "counter",
      ({ process }) => process.cpuSeconds,
    ),
    each(
      metricNames.processStart,
      "When the process started, in seconds since the epoch",
      "gauge",
      ({ process }) => process.startedAt,
    ),
  ]
}

const workerFamilies = ({ reports, restarts }: Workers): ReadonlyArray<Prometheus.Family> => [
  gauge(metricNames.workers, "Worker processes that answer", reports.size),
  {
    ...gauge(metricNames.workerRestarts, "Worker processes that ended by accident", restarts),
    type: "counter",
  },
  {
    name: metricNames.workerConnections,
    help: "Connections that a worker has open",
    type: "gauge",
    samples: [...reports].map(([worker, { connections }]) => ({
      labels: { worker: String(worker) },
      value: connections,
    })),
  },
]

export interface Everything {
  readonly version: string
  /** The report of the process that has the store. */
  readonly own: Report
  /** The state of each destination; `null` when the store does not answer. */
  readonly statuses: ReadonlyArray<Status> | null
  /** `null` when there are none: then nothing shows more than one process. */
  readonly workers: Workers | null
  /** As `GET /readyz` says it. */
  readonly isReady: boolean
}

/** Everything that `GET /metrics` shows. */
export const text = ({ version, own, statuses, workers, isReady }: Everything): string => {
  const reports = [...(workers?.reports ?? [])]
  return Prometheus.format([
    gauge(metricNames.build, "Always 1; the version is in the label", 1, { version }),
    gauge(metricNames.ready, "1 when the store takes events and they are delivered", isReady ? 1 : 0),
    gauge(metricNames.storeUp, "1 when the store answers", statuses === null ? 0 : 1),
    ...Prometheus.sum([own.families, workers?.past ?? [], ...reports.map(([, { families }]) => families)]),
    ...destinationFamilies(statuses ?? []),
    ...(workers === null ? [] : workerFamilies(workers)),
    ...processFamilies([
      { labels: {}, process: own.process },
      ...reports.map(([worker, { process }]) => ({ labels: { worker: String(worker) }, process })),
    ]),
  ])
}
