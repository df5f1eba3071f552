import type { Outcome } from "../ports/Attempts.ts"
import type { SinkReply } from "../ports/Sink.ts"
import type { TransportError, TransportReply } from "../ports/Transport.ts"
import type { RetryPolicy } from "../select/Destination.ts"

export const outcomeOfStatus = (status: number): Outcome => {
  if (status >= 200 && status < 300) return "delivered"
  if (status === 400 || status === 422) return "refused"
  if (status === 413) return "too-large"
  if (status === 410) return "gone"
  if (status >= 500 || status === 408 || status === 425 || status === 429) return "not-now"
  return "misconfigured"
}

/** The result of one attempt. */
export type Verdict = SinkReply

/**
 * A receiver may ask for an hour of rest, not for more: a mistake of its must not stop delivery for
 * days.
 */
export const maxRetryAfter = 60 * 60 * 1000

/**
 * `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3) to ms from now; `null` when it is
 * neither.
 */
export const parseRetryAfter = (header: string | null, now: number): number | null => {
  if (header === null) return null
  const text = header.trim()
  const wait = /^\d+$/.test(text)
    ? Number(text) * 1000
    : /^[A-Za-z]{3},/.test(text)
      ? Date.parse(text) - now
      : Number.NaN
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), maxRetryAfter)
}

export const verdictOfReply = (reply: TransportReply, now: number): Verdict => {
  const outcome = outcomeOfStatus(reply.status)
  return {
    outcome,
    status: reply.status,
    noReply: null,
    error:
      outcome === "delivered"
        ? null
        : `answered ${reply.status}${reply.body === "" ? "" : `: ${reply.body}`}`,
    retryAfter: outcome === "delivered" ? null : parseRetryAfter(reply.retryAfter, now),
    isBodyFree: reply.isBodyFree === true,
  }
}

export const verdictOfError = (error: TransportError): Verdict => ({
  outcome:
    error.reason === "AddressRefused" || error.reason === "CertificateRefused" ? "misconfigured" : "not-now",
  status: null,
  noReply: error.reason,
  error: error.message,
  retryAfter: null,
  ...(error.neverLeft === true ? { neverLeft: true } : {}),
})

/**
 * The class of a failure, such as `503` or `Timeout`: two of one class are the same failure. It
 * names nothing of the request or the reply.
 */
export const failureOf = ({ status, noReply, outcome }: Verdict): string =>
  status === null ? (noReply ?? outcome) : String(status)

/**
 * A complete reply that says that the receiver broke on this very request: poison, or an outage.
 */
export const isBreakage = ({ status }: Verdict): boolean => status === 500 || status === 501

export interface Wait {
  readonly millis: number
  readonly reason: "Retry-After" | "back-off"
}

/**
 * How long to wait after a failure: exponential with full jitter, or as long as the receiver has
 * asked for when that is longer. One that asks for no wait at all, or names a time that is past by
 * our clock, is not to be sent to without a pause.
 *
 * @param failures in a row, this one included
 * @param random in [0, 1)
 */
export const waitAfter = (
  policy: RetryPolicy,
  failures: number,
  retryAfter: number | null,
  random: number,
): Wait => {
  const ceiling = Math.min(policy.first * 2 ** Math.min(failures - 1, 50), policy.max)
  const backOff = Math.floor(ceiling * random)
  return retryAfter !== null && retryAfter > backOff
    ? { millis: retryAfter, reason: "Retry-After" }
    : { millis: backOff, reason: "back-off" }
}

/**
 * From this many failures in a row on, the circuit counts as open: the back-off timer is the probe
 * timer.
 */
export const openCircuitAfter = 10
