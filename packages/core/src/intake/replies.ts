/**
 * What every outcome is told to a sender: status, body, and the headers that depend on neither
 * route nor origin. The bodies are JSON, always: several SDKs send a batch again when they cannot
 * read the reply (docs/wire.md, section 7). A message names the place and the reason, and never a
 * value.
 */
import * as Telemetry from "../base/Telemetry.ts"
import type { CodecError } from "../ports/Codec.ts"
import { conditionOf } from "../ports/StoreError.ts"
import type { IngestError, Receipt } from "./Ingest.ts"
import type { BodyError } from "./request.ts"
import * as UrlVerification from "./urlVerification.ts"

/**
 * Long enough for a restart or a fail-over, short enough not to pile up a sender's backlog. No SDK
 * reads it, others do.
 */
const retryAfter = "5"

/** What `allow` says of a route's methods. */
export const allowed = (methods: ReadonlyArray<string>): string => [...methods, "OPTIONS"].join(", ")

/** Why a request comes to nothing. */
export type RequestError = BodyError | CodecError | IngestError

/** A reply before the headers that depend on the route and the origin. */
export interface Answer {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const refusal = (status: number, message: string, headers?: Readonly<Record<string, string>>): Answer => {
  const body = JSON.stringify({ message, status })
  return headers === undefined ? { status, body } : { status, body, headers }
}

/**
 * "Not now", as Statsig's OpenAPI document says it. Never 429: most SDKs lose the batch on it, and
 * all that retry honour 503.
 */
const notNow = (message: string): Answer => ({
  status: 503,
  body: JSON.stringify({ success: false, message, status: 503 }),
  headers: { "retry-after": retryAfter },
})

export const accepted: Answer = { status: 202, body: JSON.stringify({ success: true }) }
export const notFound: Answer = refusal(404, "not found")
export const methodNotAllowed = (methods: ReadonlyArray<string>): Answer =>
  refusal(405, "method not allowed", { allow: allowed(methods) })
export const unauthorized: Answer = refusal(401, "missing or invalid statsig-api-key")
export const unsupportedEncoding: Answer = refusal(415, "content-encoding: expected gzip, zstd or none", {
  "accept-encoding": "gzip, zstd",
})
/** Statuses of RFC 5842, 7.2. */
export const loopDetected = (message: string): Answer => refusal(508, message)
export const readAsText: Answer = refusal(
  400,
  "body: compressed bytes that were read as text on their way here: by a parser of the host's, or a gateway that has to be told that they are binary",
)
export const closing: Answer = notNow("shutting down")
export const internalError: Answer = refusal(500, "internal error")

export const tooLarge = (limit: number): Answer => refusal(413, `body: larger than ${limit} bytes`)

/** `rejected` lists the first hundred; when there are more, `rejectedCount` has their number. */
export const receiptAnswer = ({ rejected, rejectedCount }: Receipt): Answer => {
  if (rejectedCount === 0) return accepted
  const body = {
    success: true,
    rejected: rejected.map(({ index, message }) => ({ index, message })),
    ...(rejectedCount > rejected.length ? { rejectedCount } : {}),
  }
  return { status: 202, body: JSON.stringify(body) }
}

const bodyErrorAnswer = (error: BodyError, limit: number): Answer => {
  switch (error.reason) {
    case "TooLarge":
      return tooLarge(limit)
    case "Aborted":
      return refusal(400, "body: the client went away")
    case "TimedOut":
      return refusal(408, "body: it came too slowly")
    case "Overloaded":
      return notNow("too many requests at once")
    case "Consumed":
      return refusal(500, `body: ${Telemetry.logMessages.intakeBodyConsumed}`)
    case "FormParsed":
      return refusal(
        400,
        "body: a form parser (express.urlencoded, say) ran first: mount Millrace before it, or send application/json",
      )
  }
}

const ingestErrorAnswer = ({ reason }: IngestError): Answer => {
  switch (reason._tag) {
    case "Refused":
      return refusal(reason.status, reason.message)
    case "Overloaded":
      return notNow("too many requests at once")
    case "StoreFailed":
      return notNow(`the store is ${conditionOf(reason.error.reason)}`)
  }
}

const codecErrorAnswer = ({ reason }: CodecError, limit: number): Answer => {
  switch (reason) {
    case "TooLarge":
      return tooLarge(limit)
    case "RatioTooLarge":
      return refusal(413, "body: it would inflate to hundreds of times its size")
    case "WindowTooLarge":
      return refusal(413, "body: its zstd window is larger than 8 MiB and than any body may be")
    case "Wasteful":
      return refusal(400, "body: zstd in more blocks than its content can need")
    case "Malformed":
      return refusal(400, "body: not what its content-encoding or its first bytes say it is")
    case "Overloaded":
      return notNow("too many requests at once")
  }
}

export const errorAnswer = (error: RequestError, limit: number): Answer => {
  switch (error._tag) {
    case "BodyError":
      return bodyErrorAnswer(error, limit)
    case "CodecError":
      return codecErrorAnswer(error, limit)
    case "IngestError":
      return ingestErrorAnswer(error)
  }
}

/** The reply to Statsig's check of a webhook's URL; `null` when the body is something else. */
export const urlVerified = (bytes: Uint8Array): Answer | null => {
  const code = UrlVerification.codeOf(bytes)
  return code === null ? null : { status: 200, body: JSON.stringify({ verification_code: code }) }
}
