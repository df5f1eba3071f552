/**
 * The room of intake: from a request to an entry in the log.
 *
 * What comes in is a request in neutral form, which an adapter has made of its host's; what goes
 * out is a reply in neutral form, and an entry appended. `HttpIngest` is the flow over HTTP:
 *
 *     head ── route, key, codings ──► a reply at once, or
 *     body ── inflate ── Ingest.accept: decode, admit, append ──► 202
 *
 * `request` has the shapes, `routes` the paths, `requestHead` and `bodyCoding` what a request says
 * of itself, `clientFacts` where it is from, `authentication` whose it is, `replies` what outcomes
 * are told, `makeReplies` their headers; `inFlight` has the requests that have begun, `ExtraRoutes`
 * is what extensions add. `Ingest` is the same without HTTP; `Wire` and `sort*` read bodies: as
 * written, parsed, or in slices. Adapters call `handle`, or `begin` and `finish` where
 * they read the body themselves; a program's own events come through `logEvent`.
 * Words: the *head* is what comes before the body; an *answer* is a reply before its headers;
 * *facts* are what a request says once for all of its events.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import * as RelayMark from "../base/relayMark.ts"
import * as Signature from "../base/Signature.ts"
import * as Telemetry from "../base/Telemetry.ts"
import { Codec, type CodecError, type Compression } from "../ports/Codec.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { evidentCoding, isPlainFromSdk, wasReadAsText } from "./bodyCoding.ts"
import { type ClientFactsOptions, clientProblems, makeReadClient } from "./clientFacts.ts"
import type { Cors } from "./cors.ts"
import { type ExtraRoute, makeExtras, type RouteExtension, type RouteServices } from "./ExtraRoutes.ts"
import * as Ingest from "./Ingest.ts"
import * as InFlight from "./inFlight.ts"
import { corsProblems, everybody, makeReplies, type Replies } from "./makeReplies.ts"
import {
  type Answer,
  accepted,
  closing,
  loopDetected,
  methodNotAllowed,
  type RequestError,
  readAsText,
  receiptAnswer,
  tooLarge,
  unauthorized,
  unsupportedEncoding,
  urlVerified,
} from "./replies.ts"
import type { Awaiting, IngestBody, IngestReply, IngestRequest, RequestHead } from "./request.ts"
import { declaredCoding, declaredLength, headerOf, presentedKey, requestFacts, sdkOf } from "./requestHead.ts"
import {
  type AnyRoute,
  makeMatchRoute,
  type OurRoute,
  type OwnPaths,
  ownPathProblems,
  pathsWith,
  queryOf,
  type Route,
  splitUrl,
} from "./routes.ts"
import * as UrlVerification from "./urlVerification.ts"
import type * as Wire from "./Wire.ts"

export { ClientConfig, type ClientFactsOptions, type ClientOptions } from "./clientFacts.ts"
export {
  type Awaiting,
  BodyError,
  type BodyShare,
  type IngestBody,
  type IngestReply,
  type IngestRequest,
  type RequestHead,
} from "./request.ts"
export type { Cors }

export interface HttpIngestOptions extends Ingest.IngestOptions, ClientFactsOptions {
  /** What adds routes to ours. */
  readonly extensions?: ReadonlyArray<RouteExtension>
  /**
   * Which pages may read the replies on the routes that browsers call. `{ origins: "*" }` by
   * default: a client key is public anyway, and an SDK that cannot read its reply sends the batch
   * again.
   */
  readonly cors?: Cors
  /**
   * Paths of your own for routes, besides those they have: ad blockers know `log_event` and
   * `rgstr`. A request whose path is one of them, or ends with one, is Millrace's.
   */
  readonly paths?: OwnPaths
}

/** The intake over HTTP: from a request in neutral form to a reply in neutral form. */
export class HttpIngest extends Context.Service<
  HttpIngest,
  {
    /**
     * Whether the path of this URL is one of ours, whatever the method: if not, the request is the
     * host's.
     */
    readonly matches: (url: string) => boolean
    /**
     * Every path there is, without a slash before it: for hosts that route by tables of their own.
     */
    readonly paths: ReadonlyArray<string>
    /** Never fails: every outcome is a reply. Interrupt it when the client has gone away. */
    readonly handle: (request: IngestRequest) => Effect.Effect<IngestReply>
    /**
     * The first half of `handle`, for hosts that read the body themselves. What an {@link Awaiting}
     * is left with has to be run: closing waits for it.
     *
     * @param receivedAt ms since the epoch: how long reading the body takes is no part of the
     * sender's clock skew
     */
    readonly begin: (head: RequestHead, receivedAt: number) => IngestReply | Awaiting
    /**
     * From now on new requests get 503; returns once those already begun have their replies. May be
     * called again.
     */
    readonly close: Effect.Effect<void>
  }
>()("@millrace/core/HttpIngest") {}

/**
 * What an SDK reports of its own failures is a stack trace and some options. It needs no key, so it
 * gets little room.
 */
const exceptionBytes = 64 * 1024

/** How long closing the layer's scope waits for requests that have begun. */
const drainTimeout = "30 seconds"

const make = Effect.fnUntraced(function* (
  options: HttpIngestOptions,
  extras: ReadonlyArray<ExtraRoute>,
): Effect.fn.Return<HttpIngest["Service"], never, Ingest.Ingest | Codec | Scope.Scope> {
  const ingest = yield* Ingest.Ingest
  const codec = yield* Codec
  const relayId = yield* RelayMark.RelayId
  const context = yield* Effect.context()

  const bodyLimit = ingest.limits.bodyBytes
  const own = options.paths ?? {}
  const matchRoute = makeMatchRoute(own, extras)
  const readClient = makeReadClient(options, codec)

  const { preflight, unknown, ...replies } = makeReplies(
    options.cors ?? everybody,
    yield* Metric.MetricRegistry,
  )

  const noteRefused = (route: Route, { headers, url }: RequestHead, { status, body }: Answer): void => {
    const query = queryOf(url)
    const refused = { route: route.name, status, body, sdk: sdkOf(headers, query) }
    const key = presentedKey(headers, query)
    ingest.watch.refused({ ...refused, key }, Context.get(context, Clock.Clock).currentTimeMillisUnsafe())
  }
  const finish: Replies["finish"] = (route, head, answer) => {
    if (answer.status >= 400 && answer.status < 500) noteRefused(route, head, answer)
    return replies.finish(route, head, answer)
  }

  const inFlight = yield* InFlight.make(finish)
  const { awaiting, isClosed } = inFlight

  const inflate = (coding: Compression, bytes: Uint8Array): Effect.Effect<Uint8Array, CodecError> =>
    codec.decompress(coding, bytes, bodyLimit)

  const sayRefused = makeSparingly()
  const logRefused = (error: Signature.SignatureError, body: IngestBody): Effect.Effect<void> =>
    sayRefused(
      Effect.annotateLogs(Effect.logWarning(Telemetry.logMessages.intakeSignatureRefused), {
        reason: error.reason,
        // Then a mismatch may be the host's doing: what is signed are the bytes before it parses
        // them.
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

  const beginException = (route: OurRoute, head: RequestHead): Answer | Awaiting => {
    if (isClosed()) return closing
    if (declaredLength(head.headers) > exceptionBytes) return tooLarge(exceptionBytes)
    return awaiting(route, head, exceptionBytes, "unkept", () => Effect.succeed(accepted))
  }

  /**
   * Statsig checks a new webhook's URL before its console shows the secret that would sign the
   * check, so this much is answered to anybody. Everything else without a key is 401, however it
   * ends.
   */
  const beginVerification = (
    route: OurRoute,
    head: RequestHead,
    refused: Signature.SignatureError | null,
  ): Answer | Awaiting => {
    const { headers } = head
    const mayBeOne =
      !isClosed() && declaredCoding(headers) === null && declaredLength(headers) <= UrlVerification.maxBytes
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
    route: OurRoute,
    dialect: Wire.Dialect,
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
    if (isClosed()) return closing
    const round = RelayMark.problemOf(headerOf(headers, RelayMark.header), relayId)
    if (round !== null) return loopDetected(round)
    const declared = declaredCoding(headers)
    if (declared === "unsupported") return unsupportedEncoding
    if (declaredLength(headers) > bodyLimit) return tooLarge(bodyLimit)

    // Now: once its connection is closed, nobody knows the client's address any more.
    const client = dialect === "log_event" ? readClient(head) : null
    const factsOf = (principal: Ingest.Principal): Wire.WireHead =>
      requestFacts(dialect, ingest.validation, receivedAt, principal, headers, query, client)
    const accept = (principal: Ingest.Principal, bytes: Uint8Array): Effect.Effect<Answer, RequestError> => {
      const answering = Effect.map(ingest.accept(factsOf(principal), bytes), receiptAnswer)
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
      return evident === null && isPlainFromSdk(factsOf(principal), body.bytes)
        ? accept(principal, body.bytes)
        : inflated
    }
    return awaiting(
      route,
      head,
      bodyLimit,
      verify === null ? "keyed" : "unproven",
      (body) => (body.parsed === true ? Effect.andThen(sayParsed, answer(body)) : answer(body)),
      keyed?.kind === "server",
    )
  }

  const isAddressShown = options.client?.ip === "keep" || options.client?.ip === "truncate"
  const addressOf = (head: RequestHead): string | null =>
    isAddressShown ? (readClient(head)?.ip ?? null) : null

  const beginExtra = (route: ExtraRoute, head: RequestHead, receivedAt: number): Answer | Awaiting => {
    if (isClosed()) return closing
    const begun = route.begin({
      ...{ method: head.method, url: head.url, headers: head.headers },
      ...{ ...splitUrl(head.url), receivedAt, address: () => addressOf(head) },
      principalOf: (key) => ingest.authenticate(key, "log_event"),
    })
    if (typeof begun !== "function") return begun
    if (declaredLength(head.headers) > route.maxBytes) return tooLarge(route.maxBytes)
    return awaiting(route, head, route.maxBytes, "keyed", begun)
  }

  const beginRoute = (route: AnyRoute, head: RequestHead, receivedAt: number): Answer | Awaiting => {
    try {
      if ("begin" in route) return beginExtra(route, head, receivedAt)
      return route.name === "exception"
        ? beginException(route, head)
        : beginEvents(route, route.name, head, receivedAt)
    } catch (defect) {
      return awaiting(route, head, bodyLimit, "keyed", () => Effect.die(defect))
    }
  }

  const begin = (head: RequestHead, receivedAt: number): IngestReply | Awaiting => {
    const route = matchRoute(head.url)
    if (route === null) return unknown
    if (head.method === "OPTIONS") return preflight(route, head)
    if (!route.methods.some((method) => method === head.method))
      return finish(route, head, methodNotAllowed(route.methods))
    const begun = beginRoute(route, head, receivedAt)
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

  yield* Effect.addFinalizer(() => Effect.timeoutOption(inFlight.close, drainTimeout))

  return {
    matches: (url) => matchRoute(url) !== null,
    paths: pathsWith(own, extras),
    handle,
    begin,
    close: inFlight.close,
  }
})

/**
 * The intake over HTTP on a store and a codec. Fails with {@link InvalidOptions} when the options
 * cannot work or no key is configured, and with a {@link StoreError} when the store's keys cannot
 * be read.
 *
 * @example
 * ```ts
 * const Intake = HttpIngest.layer({ keys: { server: ["secret-..."], client: ["client-..."] } })
 * ```
 */
export const layer = (
  options: HttpIngestOptions,
): Layer.Layer<
  HttpIngest | Ingest.Ingest,
  InvalidOptions | StoreError,
  Ingest.IngestServices | Exclude<RouteServices, Scope.Scope>
> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { extras, problems } = yield* makeExtras(options.extensions ?? [])
      const mistakes = [
        ...Ingest.optionProblems(options),
        ...corsProblems(options.cors ?? everybody),
        ...clientProblems(options),
        ...problems,
        // Which names there are is known of working extensions only.
        ...(problems.length === 0 ? ownPathProblems(options.paths ?? {}, extras) : []),
      ]
      if (mistakes.length > 0) return yield* new InvalidOptions({ problems: mistakes })
      return Layer.provideMerge(Layer.effect(HttpIngest, make(options, extras)), Ingest.layer(options))
    }),
  )
