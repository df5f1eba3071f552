import type { Ingest } from "@millrace/core"
import { type MetricInfo, PrometheusText } from "@millrace/core/host"
import { type LoopDelay, measureLoopDelay } from "./loopDelay.ts"
import { serverMetrics } from "./serverMetrics.ts"

type Info = MetricInfo.CounterInfo | MetricInfo.GaugeInfo

const one = (
  info: Info,
  value: number,
  labels: PrometheusText.Sample["labels"] = {},
): PrometheusText.Family => ({
  ...{ name: info.name, help: info.help, type: info.type },
  samples: [{ labels, value }],
})

/** What one process knows of itself. */
export interface ProcessReport {
  /** Resident, in bytes. */
  readonly memory: number
  readonly cpuSeconds: number
  /** In seconds since the epoch. */
  readonly startedAt: number
  readonly loopDelay: LoopDelay
}

/** What one process has counted. */
export interface Report {
  readonly families: ReadonlyArray<PrometheusText.Family>
  readonly process: ProcessReport
}

export interface WorkerReport extends Report {
  /** What its intake has noticed since it last said so, where it says so. */
  readonly noticed?: Ingest.Noticed
  /** How many it has open. */
  readonly connections: number
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Tells how this process is, from now on. */
export const makeProcessReport = (): (() => ProcessReport) => {
  const loopDelay = measureLoopDelay()
  return () => ({
    memory: process.memoryUsage.rss(),
    cpuSeconds: cpuSeconds(),
    startedAt: performance.timeOrigin / 1000,
    loopDelay: loopDelay(),
  })
}

/** The other processes of a server, as the one that leads them knows them. */
export interface Workers {
  /** What those have counted that have ended, or do not answer. */
  readonly past: ReadonlyArray<PrometheusText.Family>
  /** The reports of the workers that answer, by number. */
  readonly reports: ReadonlyMap<number, WorkerReport>
  /** How many had to be replaced. */
  readonly restarts: number
}

interface Labelled {
  readonly labels: PrometheusText.Sample["labels"]
  readonly process: ProcessReport
}

const processFamilies = (processes: ReadonlyArray<Labelled>): ReadonlyArray<PrometheusText.Family> => {
  const each = (
    { name, help, type }: Info,
    value: (process: ProcessReport) => number,
  ): PrometheusText.Family => ({
    ...{ name, help, type },
    samples: processes.map(({ labels, process }) => ({ labels, value: value(process) })),
  })
  return [
    each(serverMetrics.processMemory, ({ memory }) => memory),
    each(serverMetrics.processCpu, (process) => process.cpuSeconds),
    each(serverMetrics.processStart, ({ startedAt }) => startedAt),
    each(serverMetrics.loopDelayP99, ({ loopDelay }) => loopDelay.p99),
    each(serverMetrics.loopDelayMax, ({ loopDelay }) => loopDelay.max),
  ]
}

const workerFamilies = ({ reports, restarts }: Workers): ReadonlyArray<PrometheusText.Family> => {
  const { name, help, type } = serverMetrics.workerConnections
  return [
    one(serverMetrics.workers, reports.size),
    one(serverMetrics.workerRestarts, restarts),
    {
      ...{ name, help, type },
      samples: [...reports].map(([worker, { connections }]) => ({
        labels: { worker: String(worker) },
        value: connections,
      })),
    },
  ]
}

export interface Everything {
  readonly version: string
  /** The report of the process that has the store. */
  readonly own: Report
  /** `null` when there are none: then nothing shows more than one process. */
  readonly workers: Workers | null
}

/** Everything that `GET /metrics` shows. */
export const text = ({ version, own, workers }: Everything): string => {
  const reports = [...(workers?.reports ?? [])]
  return PrometheusText.format([
    one(serverMetrics.build, 1, { version }),
    ...PrometheusText.sum([
      own.families,
      workers?.past ?? [],
      ...reports.map(([, { families }]) => families),
    ]),
    ...(workers === null ? [] : workerFamilies(workers)),
    ...processFamilies([
      { labels: {}, process: own.process },
      ...reports.map(([worker, { process }]) => ({ labels: { worker: String(worker) }, process })),
    ]),
  ])
}
