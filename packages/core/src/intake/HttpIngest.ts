import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { isObject, parse } from "../base/json.ts"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import * as Signature from "../base/Signature.ts"
import * as Telemetry from "../base/Telemetry.ts"
import * as Utf8 from "../base/utf8.ts"
import { Codec, type CodecError, type Compression } from "../ports/Codec.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import { conditionOf, type StoreError } from "../ports/StoreError.ts"
import { type Cors, type CorsHeaders, isOrigin, makeCors, preflightHeaders } from "./cors.ts"
import * as Ingest from "./Ingest.ts"
import {
  makeMatchRoute,
  type OwnPaths,
  ownPathProblems,
  pathsWith,
  queryOf,
  type Route,
  routes,
} from "./routes.ts"
import * as UrlVerification from "./urlVerification.ts"
import * as Wire from "./Wire.ts"

export type { Cors }

/** What of a request comes before its body. */
export interface RequestHead {
  readonly method: string
  /** Path and query as on the request line, with or without the prefix it is mounted under. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** A request of any HTTP server, in neutral form. */
export interface IngestRequest extends RequestHead {
  /**
   * Reads the whole body, failing with `TooLarge` as soon as it passes `maxBytes`. Called once at most, and not at all when
   * the head alone decides the reply: the host then discards what still comes.
   */
  readonly body: (maxBytes: number, share?: BodyShare) => Effect.Effect<IngestBody, BodyError>
  /** The same for a host that reads by callbacks: {@link handler} prefers it, since a fiber that waits costs more than the reading. */
  readonly read?: (
    maxBytes: number,
    done: (body: Effect.Effect<IngestBody, BodyError>) => void,
    share?: BodyShare,
  ) => void
}

/**
 * Whose room in memory a body takes.
 *
 * - `keyed`: of senders whose key was right.
 * - `unproven`: the little that those have who have yet to prove by their body's signature who they are.
 * - `unkept`: none. Its bytes are counted and forgotten as they come, and it is empty to whoever asked for it.
 */
export type BodyShare = "keyed" | "unproven" | "unkept"

/** A request whose head alone does not decide the reply. */
export interface Awaiting {
  readonly maxBytes: number
  readonly share: BodyShare
  /** What is left to do, with the body or what reads it. Never fails. */
  readonly finish: (body: Effect.Effect<IngestBody, BodyError>) => Effect.Effect<IngestReply>
}

export interface IngestBody {
  readonly bytes: Uint8Array
  /** True when the host's own parser has already inflated it while the `content-encoding` header remains: only magic bytes count then. */
  readonly inflated: boolean
  /** True when a parser of the host's has read it, and left nothing but what it has made of it. */
  readonly parsed?: boolean
}

/**
 * - `TooLarge`: more than `maxBytes`.
 * - `Aborted`: the client went away.
 * - `TimedOut`: it came too slowly.
 * - `Overloaded`: too many bytes of other requests are in memory.
 * - `Consumed`: somebody in front of us read the stream and left no body: a mistake in the host's set-up.
 * - `FormParsed`: a parser of forms read JSON text as a form, which cannot be undone: a mistake in the host's set-up.
 */
export class BodyError extends Data.TaggedError("BodyError")<{
  readonly reason: "TooLarge" | "Aborted" | "TimedOut" | "Overloaded" | "Consumed" | "FormParsed"
}> {}

export interface IngestReply {
  readonly status: number
  /** By lower-case name; `content-type` and the like, never `content-length`. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text, or empty with a 204. */
  readonly body: string
}

export interface HttpIngestOptions extends Ingest.IngestOptions {
  /**
   * Which pages may read the replies on the routes that browsers call. `{ origins: "*" }` by default: a client key is public anyway,
   * and an SDK that cannot read its reply sends the batch again.
   */
  readonly cors?: Cors
  /**
   * Paths of your own for routes, besides ours: ad blockers know `log_event` and `rgstr`. A request
   * whose path is one of them, or ends with one, is Millrace's.
   */
  readonly paths?: OwnPaths
}

/** The one table of routes, statuses, headers and bodies. */
export class HttpIngest extends Context.Service<
  HttpIngest,
  {
    /** Whether the path of this URL is one of ours, whatever the method: if not, the request is the host's. */
    readonly matches: (url: string) => boolean
    /** Every path there is, without a slash before it: for hosts that route by tables of their own. */
    readonly paths: ReadonlyArray<string>
    /** Never fails: every outcome is a reply. Interrupt it when the client has gone away. */
    readonly handle: (request: IngestRequest) => Effect.Effect<IngestReply>
    /**
     * The first half of `handle`, for hosts that read the body themselves. What an {@link Awaiting} is left with has to be run: closing waits for it.
     *
     * @param receivedAt ms since the epoch: how long reading the body takes is no part of the sender's clock skew
     */
    readonly begin: (head: RequestHead, receivedAt: number) => IngestReply | Awaiting
    /** From now on new requests get 503; returns once those already begun have their replies. May be called again. */
    readonly close: Effect.Effect<void>
  }
>()("@millrace/core/HttpIngest") {}

/** What an SDK reports of its own failures is a stack trace and some options. It needs no key, so it gets little room. */
const exceptionBytes = 64 * 1024

/** Long enough for a restart or a fail-over, short enough not to pile up a sender's backlog. No SDK reads it, others do. */
const retryAfter = "5"

/** How long closing the layer's scope waits for requests that have begun. */
const drainTimeout = "30 seconds"

const allow = "POST, OPTIONS"

/** Why a request comes to nothing. */
type RequestError = BodyError | CodecError | Ingest.IngestError

/** A reply before the headers that depend on the route and the origin. */
interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const refusal = (status: number, message: string, headers?: Readonly<Record<string, string>>): Answer => {
  const body = JSON.stringify({ message, status })
  return headers === undefined ? { status, body } : { status, body, headers }
}

/** "Not now", as Statsig's OpenAPI document says it. Never 429: most SDKs lose the batch on it, and all that retry honour 503. */
const notNow = (message: string): Answer => ({
  status: 503,
  body: JSON.stringify({ success: false, message, status: 503 }),
  headers: { "retry-after": retryAfter },
})

const accepted: Answer = { status: 202, body: JSON.stringify({ success: true }) }
const notFound = refusal(404, "not found")
const methodNotAllowed = refusal(405, "method not allowed", { allow })
const unauthorized = refusal(401, "missing or invalid statsig-api-key")
const unsupportedEncoding = refusal(415, "content-encoding: expected gzip, zstd or none", {
  "accept-encoding": "gzip, zstd",
})
const readAsText = refusal(
  400,
  "body: compressed bytes that were read as text on their way here: by a parser of the host's, or a gateway that has to be told that they are binary",
)
const closing = notNow("shutting down")
const internalError = refusal(500, "internal error")

const tooLarge = (limit: number): Answer => refusal(413, `body: larger than ${limit} bytes`)

/** `rejected` lists the first hundred; when there are more, `rejectedCount` has their number. */
const receiptAnswer = ({ rejected, rejectedCount }: Ingest.Receipt): Answer => {
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
      return refusal(400, "body: a form parser ran first: mount Millrace before it, or send application/json")
  }
}

const ingestErrorAnswer = ({ reason }: Ingest.IngestError): Answer => {
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

const errorAnswer = (error: RequestError, limit: number): Answer => {
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
const urlVerified = (bytes: Uint8Array): Answer | null => {
  const code = UrlVerification.codeOf(bytes)
  return code === null ? null : { status: 200, body: JSON.stringify({ verification_code: code }) }
}

type Headers = RequestHead["headers"]

/** As one line, `null` when absent or empty. */
const headerOf = (headers: Headers, name: string): string | null => {
  const value = headers[name]
  if (value === undefined) return null
  return (typeof value === "string" ? value : value.join(", ")) || null
}

/**
 * What an SDK says of itself in a header or the query: a version or a session's id has forty bytes. It stands in each event of the request that is sent,
 * and what is longer than this is cut.
 */
const maxFactBytes = 128

const factOf = (text: string | null): string | null => (text === null ? null : Utf8.cut(text, maxFactBytes))

const queryParameter = (query: URLSearchParams | null, name: string): string | null =>
  query?.get(name) || null

/** The key a request shows, in the header or in the query; `null` when it shows none. */
const presentedKey = (headers: Headers, query: URLSearchParams | null): string | null => {
  const header = headerOf(headers, "statsig-api-key")
  // Several in one place, joined by us or by the host, hold a comma, and no key does.
  if (header !== null || query === null) return header
  const name = query.has("k") ? "k" : "statsig-api-key"
  return query.getAll(name).join(", ") || null
}

/** Registered content codings that we do not read (IANA, HTTP Content Coding Registry), and others in use. */
const foreignCodings: ReadonlySet<string> = new Set([
  ..."aes128gcm br brotli bzip2 compress dcb dcz deflate exi".split(" "),
  ..."lz4 lzma pack200-gzip snappy x-bzip2 x-compress xz".split(" "),
])

/**
 * What `content-encoding` says; `null` when nothing. A charset or a media type that has strayed there (`utf-8`, `application/json`, `aws-chunked`)
 * says nothing about compression.
 */
const declaredCoding = (headers: Headers): Compression | "unsupported" | null => {
  const value = headerOf(headers, "content-encoding")
  if (value === null) return null
  const codings = value
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim().replace(/^x-gzip$/, "gzip"))
    .filter((coding) => coding === "gzip" || coding === "zstd" || foreignCodings.has(coding))
  const [coding] = codings
  if (coding === undefined) return null
  return codings.length === 1 && (coding === "gzip" || coding === "zstd") ? coding : "unsupported"
}

/** What the first bytes say: js-client sends gzip without a word. No JSON begins like this. */
const evidentCoding = (bytes: Uint8Array): Compression | null => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip"
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return "zstd"
  return null
}

/**
 * Whether these are compressed bytes that somebody has read as UTF-8: each byte that is none has
 * become U+FFFD. No JSON begins like this.
 */
const wasReadAsText = (bytes: Uint8Array): boolean =>
  (bytes[0] === 0x1f && isReplacement(bytes, 1)) ||
  (bytes[0] === 0x28 && isReplacement(bytes, 1) && bytes[4] === 0x2f && isReplacement(bytes, 5))

const isReplacement = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd

/** Whether an SDK has sent plain JSON. Gateways inflate a body and leave the header that says it is compressed. */
const isPlainFromSdk = (head: Ingest.IngestHead, bytes: Uint8Array): boolean => {
  const json = parse(Utf8.decode(bytes).text)
  return isObject(json) && Wire.showsSdk(head, () => json["statsigMetadata"])
}

const digits = /^\d+$/

const declaredLength = (headers: Headers): number => {
  const value = headers["content-length"]
  return typeof value === "string" && digits.test(value) ? Number(value) : 0
}

const ingestHead = (
  dialect: Ingest.IngestHead["dialect"],
  receivedAt: number,
  principal: Ingest.Principal,
  headers: Headers,
  query: URLSearchParams | null,
): Ingest.IngestHead => ({
  dialect,
  receivedAt,
  keyId: principal.id,
  clientTimeHeader: headerOf(headers, "statsig-client-time"),
  clientTimeQuery: queryParameter(query, "t"),
  sdkType: factOf(headerOf(headers, "statsig-sdk-type") ?? queryParameter(query, "st")),
  sdkVersion: factOf(headerOf(headers, "statsig-sdk-version") ?? queryParameter(query, "sv")),
  sessionID: factOf(
    headerOf(headers, "statsig-session-id") ??
      headerOf(headers, "statsig-server-session-id") ??
      queryParameter(query, "sid"),
  ),
})

const everybody: Cors = { origins: "*" }

const corsProblems = (cors: Cors) =>
  cors === false || cors.origins === "*"
    ? []
    : cors.origins.flatMap((origin, index) =>
        isOrigin(origin)
          ? []
          : [{ path: `cors.origins[${index}]`, message: "expected an origin: https://example.com" }],
      )

/** Made once: a span's options cost as much as the span. */
const spanOptions: ReadonlyMap<Route, Tracer.SpanOptions> = new Map(
  routes.map((route) => [
    route,
    { kind: "server", attributes: { route: route.name }, captureStackTrace: false },
  ]),
)

const make = Effect.fnUntraced(function* (
  options: HttpIngestOptions,
): Effect.fn.Return<HttpIngest["Service"], never, Ingest.Ingest | Codec | Scope.Scope> {
  const ingest = yield* Ingest.Ingest
  const codec = yield* Codec
  const context = yield* Effect.context()
  // A span for whoever has given a tracer: Effect's own keeps none, and to make one is a twentieth of a small request's work.
  const isTraced = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer

  const bodyLimit = ingest.limits.bodyBytes
  const own = options.paths ?? {}
  const matchRoute = makeMatchRoute(own)

  const corsOf = makeCors(options.cors ?? everybody)
  const noCors: CorsHeaders = {}
  const jsonHeaders = new WeakMap<CorsHeaders, Readonly<Record<string, string>>>()
  /** The same object for all replies of a kind: nearly every reply needs no other headers. */
  const baseHeaders = (corsHeaders: CorsHeaders): Readonly<Record<string, string>> => {
    const known = jsonHeaders.get(corsHeaders)
    if (known !== undefined) return known
    const headers = { "content-type": "application/json", ...corsHeaders }
    jsonHeaders.set(corsHeaders, headers)
    return headers
  }

  const corsFor = (route: Route, headers: Headers): CorsHeaders =>
    route.browsers ? corsOf(headerOf(headers, "origin")) : noCors

  const requestCounts = new Map(routes.map((route) => [route, new Map<number, Metric.Counter<number>>()]))
  const countReply = (route: Route, status: number): void => {
    const counts = requestCounts.get(route)!
    let counter = counts.get(status)
    if (counter === undefined) {
      counter = Telemetry.intakeRequests(route.name, status)
      counts.set(status, counter)
    }
    counter.updateUnsafe(1, context)
  }

  const finish = (route: Route, request: RequestHead, answer: Answer): IngestReply => {
    countReply(route, answer.status)
    const base = baseHeaders(corsFor(route, request.headers))
    return {
      status: answer.status,
      headers: answer.headers === undefined ? base : { ...base, ...answer.headers },
      body: answer.body,
    }
  }

  const preflight = (route: Route, request: RequestHead): IngestReply => {
    countReply(route, 204)
    const corsHeaders = corsFor(route, request.headers)
    const requested = headerOf(request.headers, "access-control-request-headers")
    return {
      status: 204,
      headers: { allow, ...corsHeaders, ...preflightHeaders(corsHeaders, requested) },
      body: "",
    }
  }

  let closed = false
  let active = 0
  const drained = yield* Deferred.make<void>()
  const leave = (): void => {
    active--
    if (closed && active === 0) Deferred.doneUnsafe(drained, Effect.void)
  }

  const inflate = (coding: Compression, bytes: Uint8Array): Effect.Effect<Uint8Array, CodecError> =>
    codec.decompress(coding, bytes, bodyLimit)

  const sayRefused = makeSparingly()
  const logRefused = (error: Signature.SignatureError, body: IngestBody): Effect.Effect<void> =>
    sayRefused(
      Effect.annotateLogs(Effect.logWarning(Telemetry.logMessages.intakeSignatureRefused), {
        reason: error.reason,
        // Then a mismatch may be the host's doing: what is signed are the bytes before it parses them.
        parsedByHost: body.inflated,
      }),
    )

  let hasSaidParsed = false
  /** Said once: it is how the host is set up, and what its parser takes does arrive. */
  const sayParsed = Effect.suspend(() => {
    if (hasSaidParsed) return Effect.void
    hasSaidParsed = true
    return Effect.logWarning(Telemetry.logMessages.intakeBodyParsed)
  })

  const sayConsumed = makeSparingly()
  const answerToError = (error: RequestError, limit: number): Effect.Effect<Answer> => {
    const answering = Effect.succeed(errorAnswer(error, limit))
    return error._tag === "BodyError" && error.reason === "Consumed"
      ? Effect.andThen(sayConsumed(Effect.logError(Telemetry.logMessages.intakeBodyConsumed)), answering)
      : answering
  }

  const answerToFailure = (cause: Cause.Cause<RequestError>, limit: number): Effect.Effect<Answer> => {
    const error = Cause.findError(cause)
    if (Result.isSuccess(error)) return answerToError(error.success, limit)
    if (Cause.hasInterruptsOnly(error.failure)) return Effect.failCause(error.failure)
    return Effect.as(
      Effect.annotateLogs(Effect.logError(Telemetry.logMessages.intakeDefect), {
        error: defectSummary(error.failure),
      }),
      internalError,
    )
  }

  /** @param answer to a request whose body was read */
  const awaiting = (
    route: Route,
    head: RequestHead,
    maxBytes: number,
    share: BodyShare,
    answer: (body: IngestBody) => Effect.Effect<Answer, RequestError>,
  ): Awaiting => {
    active++
    return {
      maxBytes,
      share,
      finish: (body) => {
        const reply = (final: Answer): IngestReply => {
          leave()
          return finish(route, head, final)
        }
        const replying = Effect.uninterruptibleMask((restore) =>
          Effect.matchCauseEffect(restore(Effect.flatMap(body, answer)), {
            onFailure: (cause) =>
              Effect.map(
                Effect.onError(answerToFailure(cause, maxBytes), () => Effect.sync(leave)),
                reply,
              ),
            onSuccess: (final) => Effect.succeed(reply(final)),
          }),
        )
        return isTraced
          ? Effect.withSpan(replying, Telemetry.spanNames.intake, spanOptions.get(route))
          : replying
      },
    }
  }

  const beginException = (route: Route, head: RequestHead): Answer | Awaiting => {
    if (closed) return closing
    if (declaredLength(head.headers) > exceptionBytes) return tooLarge(exceptionBytes)
    return awaiting(route, head, exceptionBytes, "unkept", () => Effect.succeed(accepted))
  }

  /**
   * Statsig checks a new webhook's URL before its console shows the secret that would sign the check, so this much is answered to
   * anybody. Everything else without a key is 401, however it ends.
   */
  const beginVerification = (
    route: Route,
    head: RequestHead,
    refused: Signature.SignatureError | null,
  ): Answer | Awaiting => {
    const { headers } = head
    const mayBeOne =
      !closed && declaredCoding(headers) === null && declaredLength(headers) <= UrlVerification.maxBytes
    if (!mayBeOne && refused === null) return unauthorized
    const room = mayBeOne ? UrlVerification.maxBytes : 0
    const awaited = awaiting(route, head, room, "unproven", (body) => {
      const verified = urlVerified(body.bytes)
      if (verified !== null) return Effect.succeed(verified)
      return refused === null
        ? Effect.succeed(unauthorized)
        : Effect.as(logRefused(refused, body), unauthorized)
    })
    const nothing: IngestBody = { bytes: new Uint8Array(0), inflated: false }
    return { ...awaited, finish: (body) => awaited.finish(Effect.orElseSucceed(body, () => nothing)) }
  }

  const beginEvents = (
    route: Route,
    dialect: Ingest.IngestHead["dialect"],
    head: RequestHead,
    receivedAt: number,
  ): Answer | Awaiting => {
    const { headers, url } = head
    const query = queryOf(url)
    const key = presentedKey(headers, query)
    const keyed = ingest.authenticate(key, dialect)
    if (keyed === null && (key !== null || dialect !== "event_webhook")) return unauthorized
    const isSigned = headers[Signature.headerNames.statsigSignature] !== undefined
    const verify = keyed === null && isSigned ? ingest.authenticateSigned : null
    const refused = verify === null ? null : Signature.statsigProblem(head, receivedAt)
    if (keyed === null && (verify === null || refused !== null))
      return beginVerification(route, head, refused)
    if (closed) return closing
    const declared = declaredCoding(headers)
    if (declared === "unsupported") return unsupportedEncoding
    if (declaredLength(headers) > bodyLimit) return tooLarge(bodyLimit)

    const accept = (principal: Ingest.Principal, bytes: Uint8Array): Effect.Effect<Answer, RequestError> => {
      const accepting = ingest.accept(ingestHead(dialect, receivedAt, principal, headers, query), bytes)
      const answering = Effect.map(accepting, receiptAnswer)
      return dialect === "log_event"
        ? answering
        : Effect.catch(answering, (error) => {
            const verified = urlVerified(bytes)
            return verified === null ? Effect.fail(error) : Effect.succeed(verified)
          })
    }
    const answer = (body: IngestBody): Effect.Effect<Answer, RequestError> => {
      const signed = verify === null ? null : verify({ headers, body: body.bytes }, receivedAt)
      if (signed !== null && Result.isFailure(signed)) {
        const verified = urlVerified(body.bytes)
        return verified === null
          ? Effect.as(logRefused(signed.failure, body), unauthorized)
          : Effect.succeed(verified)
      }
      const principal = signed === null ? keyed! : signed.success
      if (wasReadAsText(body.bytes)) return Effect.succeed(readAsText)
      const evident = evidentCoding(body.bytes)
      const coding = (body.inflated ? null : declared) ?? evident
      if (coding === null) return accept(principal, body.bytes)
      const inflated = Effect.flatMap(inflate(coding, body.bytes), (bytes) => accept(principal, bytes))
      return evident === null &&
        isPlainFromSdk(ingestHead(dialect, receivedAt, principal, headers, query), body.bytes)
        ? accept(principal, body.bytes)
        : inflated
    }
    return awaiting(route, head, bodyLimit, verify === null ? "keyed" : "unproven", (body) =>
      body.parsed === true ? Effect.andThen(sayParsed, answer(body)) : answer(body),
    )
  }

  const beginPost = (route: Route, head: RequestHead, receivedAt: number): Answer | Awaiting => {
    try {
      return route.name === "exception"
        ? beginException(route, head)
        : beginEvents(route, route.name, head, receivedAt)
    } catch (defect) {
      return awaiting(route, head, bodyLimit, "keyed", () => Effect.die(defect))
    }
  }

  const begin = (head: RequestHead, receivedAt: number): IngestReply | Awaiting => {
    const route = matchRoute(head.url)
    if (route === null) return { ...notFound, headers: baseHeaders(noCors) }
    if (head.method === "OPTIONS") return preflight(route, head)
    if (head.method !== "POST") return finish(route, head, methodNotAllowed)
    const begun = beginPost(route, head, receivedAt)
    return "finish" in begun ? begun : finish(route, head, begun)
  }

  const handle = (request: IngestRequest): Effect.Effect<IngestReply> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.clockWith((clock) => {
        const begun = begin(request, clock.currentTimeMillisUnsafe())
        return "finish" in begun
          ? begun.finish(restore(Effect.suspend(() => request.body(begun.maxBytes, begun.share))))
          : Effect.succeed(begun)
      }),
    )

  const close = Effect.suspend(() => {
    closed = true
    return active === 0 ? Effect.void : Deferred.await(drained)
  })
  yield* Effect.addFinalizer(() => Effect.timeoutOption(close, drainTimeout))

  return {
    matches: (url) => matchRoute(url) !== null,
    paths: pathsWith(own),
    handle,
    begin,
    close,
  }
})

/**
 * {@link HttpIngest} for hosts without Effect.
 *
 * @param context where the requests run; it has the clock
 */
export const handler = (
  http: HttpIngest["Service"],
  context: Context.Context<never>,
): ((request: IngestRequest) => Promise<IngestReply>) => {
  const clock = Context.get(context, Clock.Clock)
  const fork = Effect.runForkWith(context)
  return (request) =>
    new Promise((resolve, reject) => {
      const reply = (effect: Effect.Effect<IngestReply>): void => {
        fork(effect).addObserver((exit) =>
          Exit.isSuccess(exit) ? resolve(exit.value) : reject(Cause.squash(exit.cause)),
        )
      }
      if (request.read === undefined) return reply(http.handle(request))
      const begun = http.begin(request, clock.currentTimeMillisUnsafe())
      if (!("finish" in begun)) return resolve(begun)
      request.read(begun.maxBytes, (body) => reply(begun.finish(body)), begun.share)
    })
}

/**
 * The intake over HTTP on a store and a codec. Fails with {@link InvalidOptions} when the options cannot work or no key is configured,
 * and with a {@link StoreError} when the store's keys cannot be read.
 *
 * @example
 * ```ts
 * const Intake = HttpIngest.layer({ keys: { server: ["secret-..."], client: ["client-..."] } })
 * ```
 */
export const layer = (
  options: HttpIngestOptions,
): Layer.Layer<HttpIngest | Ingest.Ingest, InvalidOptions | StoreError, Ingest.IngestServices> =>
  Layer.unwrap(
    Effect.suspend(() => {
      const problems = [
        ...Ingest.optionProblems(options),
        ...corsProblems(options.cors ?? everybody),
        ...ownPathProblems(options.paths ?? {}),
      ]
      return problems.length > 0
        ? Effect.fail(new InvalidOptions({ problems }))
        : Effect.succeed(Layer.provideMerge(Layer.effect(HttpIngest, make(options)), Ingest.layer(options)))
    }),
  )
