import { counter, gauge, histogram } from "./MetricInfo.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** A request is answered in ms, and a store that is ill takes seconds. */
const requestBounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, second, 2_500, 5 * second, 10 * second]

/** Up to the time that one attempt may take by default. */
const attemptBounds = [5, 10, 25, 50, 100, 250, 500, second, 2_500, 5 * second, 10 * second, 30 * second]

/** From a batch that fills at once to an outage over a day. */
const delayBounds = [
  ...[100, 250, 500, second, 2_500, 5 * second, 10 * second, 30 * second],
  ...[minute, 5 * minute, 15 * minute, hour, 6 * hour, 24 * hour],
]

/**
 * Every metric of an intake and a delivery. Labels are bounded: routes, statuses and outcomes are
 * few, and destinations are named by whoever runs them. None is named by a sender.
 */
export const coreMetrics = {
  ready: gauge(
    "millrace_ready",
    [],
    "1 when the store takes events and they are delivered, as GET /readyz says",
  ),
  storeUp: gauge(
    "millrace_store_up",
    [],
    "1 when the store answers; without it there is nothing of what the store knows",
  ),
  intakeRequests: counter(
    "millrace_intake_requests_total",
    ["route", "status"],
    "Requests on known routes, by route and status of the reply",
  ),
  intakeDuration: histogram(
    "millrace_intake_request_duration_seconds",
    ["route"],
    "From the end of a request's body to its reply, measured in whole ms",
    requestBounds,
  ),
  intakeEvents: counter(
    "millrace_intake_events_total",
    ["outcome"],
    "Events that arrived, by what became of them: stored, rejected, duplicate, failed",
  ),
  intakeBytes: counter(
    "millrace_intake_bytes_total",
    [],
    "Bytes of request bodies that were decoded, after decompression",
  ),
  logBytes: gauge("millrace_log_bytes", [], "Bytes that the log keeps: events and what goes with them"),
  logMaxBytes: gauge(
    "millrace_log_max_bytes",
    [],
    "Bytes that the log may keep: once events that are pending fill them, no more are taken",
  ),
  destinationEvents: counter(
    "millrace_destination_events_total",
    ["destination", "outcome"],
    "Events that a destination is done with, by what became of them: delivered, filtered, dead, trimmed",
  ),
  destinationPending: gauge(
    "millrace_destination_pending_events",
    ["destination"],
    "Events that wait for a destination",
  ),
  destinationOldest: gauge(
    "millrace_destination_oldest_pending_age_seconds",
    ["destination"],
    "For how long the oldest event that is pending has been waiting; 0 when none is",
  ),
  destinationSent: counter(
    "millrace_destination_sent_events_total",
    ["destination"],
    "Events that left for a destination, every attempt counted",
  ),
  destinationFailures: gauge(
    "millrace_destination_failures_in_a_row",
    ["destination"],
    "Failed attempts in a row",
  ),
  destinationCircuitOpen: gauge(
    "millrace_destination_circuit_open",
    ["destination"],
    "1 when so many failed that only probes are sent",
  ),
  destinationDisabled: gauge(
    "millrace_destination_disabled",
    ["destination"],
    "1 when a destination gets nothing",
  ),
  attempts: counter(
    "millrace_destination_attempts_total",
    ["destination", "answer"],
    "Attempts of this process, by the class of the answer's status: 2xx, 3xx, 4xx, 5xx, or none",
  ),
  attemptDuration: histogram(
    "millrace_destination_attempt_duration_seconds",
    ["destination"],
    "How long one attempt took, whatever came of it",
    attemptBounds,
  ),
  deliveryDelay: histogram(
    "millrace_destination_delivery_delay_seconds",
    ["destination"],
    "From the receipt of the oldest event of a request to the answer that it is delivered; no replays",
    delayBounds,
  ),
  deadLetters: gauge(
    "millrace_dead_letters",
    ["destination"],
    "Dead letters that are stored; those of what was refused on arrival are under intake",
  ),
} as const
