export { coreMetrics as metrics } from "./metrics/coreMetrics.ts"
export { type TraceSampler, TraceSampling } from "./tracing/TraceSampling.ts"

/** Names of spans. */
export const spanNames = {
  /**
   * One request whose head was fine, up to its reply. It begins when the body is there, where the
   * host reads that by callbacks.
   */
  intake: "millrace.intake",
  /** What a request came to, on its way into the log. */
  append: "millrace.append",
  /** A batch of one destination, from when it is full to its last event's end. */
  batch: "millrace.batch",
  /** One request to a destination: its header `traceparent` names this span. */
  attempt: "millrace.attempt",
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
  storeDown: "the store is down",
  storeBack: "the store is back",
  alertLost: "an alert could not be sent",
  onAlertFailed: "onAlert has failed",
  replayBegun: "a replay has begun",
  replayDone: "a replay is done",
  replayStopped: "a replay was stopped",
  lettersReplayBegun: "a replay of dead letters has begun",
  lettersReplayDone: "a replay of dead letters is done",
  lettersReplayStopped: "a replay of dead letters has stopped",
} as const

/** What became of an event that arrived. */
export type IntakeOutcome = "stored" | "rejected" | "duplicate" | "failed"
