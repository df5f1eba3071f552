import * as Metric from "effect/Metric"

/**
 * Names of metrics. Dashboards and alerts are written against them, so they change with a major
 * version only.
 */
export const metricNames = {
  intakeRequests: "millrace_intake_requests_total",
  intakeEvents: "millrace_intake_events_total",
  intakeBytes: "millrace_intake_bytes_total",
} as const

/** Names of spans. */
export const spanNames = {
  /**
   * One request whose head was fine, up to its reply. It begins when the body is there, where the
   * host reads that by callbacks.
   */
  intake: "millrace.intake",
} as const

/**
 * Texts of log lines. Neither they nor their annotations hold a key, a body or a value of an event.
 */
export const logMessages = {
  intakeStoreFailed: "the store took no events",
  intakeLettersFailed: "refused events could not be kept as dead letters",
  intakeBodyConsumed: "already read by the host: mount Millrace before its body parsers",
  intakeBodyParsed:
    "a body parser of the host runs before Millrace: what it refuses, zstd and large bodies above all, is lost; mount Millrace before it",
  intakeSignatureRefused: "a signed request was refused",
  keysRefused: "requests show no key that is known, and are refused",
  requestsRefused: "requests are refused",
  intakeDefect: "a request failed by a mistake of ours",
  destinationFails: "a destination has begun to fail",
  destinationWrong: "a destination is set up wrongly",
  circuitOpen: "a destination's circuit is open: until something passes, one attempt is made at a time",
  destinationStillFails: "a destination still fails",
  destinationFlaps: "a destination fails again and again: it is told of once an hour",
  destinationWell: "a destination is well again",
  destinationGone: "a destination answered 410 and is disabled",
  destinationDisabled: "a destination was disabled by hand",
  destinationEnabled: "a destination was enabled by hand",
  destinationUnconfigured: "a destination is configured no longer, and is disabled",
  replayBegun: "a replay has begun",
  replayDone: "a replay is done",
  replayStopped: "a replay was stopped",
  lettersReplayBegun: "a replay of dead letters has begun",
  lettersReplayDone: "a replay of dead letters is done",
  lettersReplayStopped: "a replay of dead letters has stopped",
} as const

/** What became of an event that arrived. */
export type IntakeOutcome = "stored" | "rejected" | "duplicate" | "failed"

const eventsMetric = (outcome: IntakeOutcome) =>
  Metric.counter(metricNames.intakeEvents, {
    description: "Events that arrived, by what became of them",
    attributes: { outcome },
    incremental: true,
  })

/** Events that arrived, by what became of them. */
export const intakeEvents: Readonly<Record<IntakeOutcome, Metric.Counter<number>>> = {
  stored: eventsMetric("stored"),
  rejected: eventsMetric("rejected"),
  duplicate: eventsMetric("duplicate"),
  failed: eventsMetric("failed"),
}

/** Bytes of bodies, decompressed. */
export const intakeBytes: Metric.Counter<number> = Metric.counter(metricNames.intakeBytes, {
  description: "Bytes of request bodies that were decoded, after decompression",
  incremental: true,
})

/** Replies, by route and status. */
export const intakeRequests = (route: string, status: number): Metric.Counter<number> =>
  Metric.counter(metricNames.intakeRequests, {
    description: "Requests on known routes, by route and status of the reply",
    attributes: { route, status: String(status) },
    incremental: true,
  })
