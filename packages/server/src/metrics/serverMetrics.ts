import { MetricInfo } from "@millrace/core/host"

const { counter, gauge } = MetricInfo

/**
 * The command's own metrics, beside those of the core. Those of a process have the label `worker`
 * for each worker, and none for the process that has the store.
 */
export const serverMetrics = {
  build: gauge("millrace_build_info", ["version"], "Always 1; the version is in the label"),
  workers: gauge("millrace_workers", [], "Worker processes that answer"),
  workerRestarts: counter("millrace_worker_restarts_total", [], "Worker processes that ended by accident"),
  workerConnections: gauge("millrace_worker_connections", ["worker"], "Connections that a worker has open"),
  loopDelayP99: gauge(
    "millrace_event_loop_delay_p99_seconds",
    ["worker"],
    "How late a process came to its next task, but for the worst hundredth, since it was asked before",
  ),
  loopDelayMax: gauge(
    "millrace_event_loop_delay_max_seconds",
    ["worker"],
    "How late a process came to its next task at the worst, since it was asked before",
  ),
  processMemory: gauge("process_resident_memory_bytes", ["worker"], "Resident memory size in bytes"),
  processCpu: counter("process_cpu_seconds_total", ["worker"], "User and system CPU time in seconds"),
  processStart: gauge(
    "process_start_time_seconds",
    ["worker"],
    "When the process started, in seconds since the epoch",
  ),
} as const
