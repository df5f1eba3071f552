import type { LookupFunction } from "node:net"
import { InvalidOptions, Transport as Port } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Dispatcher } from "undici"
import * as AddressGuard from "./addressGuard.ts"
import { connectionMessage, isCertificateError } from "./internal/connectionError.ts"
import { machineSources, NameResolver } from "./internal/nameResolver.ts"
import { refusedBy } from "./internal/proxy.ts"
import { readEnvironment } from "./internal/proxyEnvironment.ts"
import { beginningOf, type Headers, headersOf, maxTextBytes } from "./internal/replyText.ts"
import { type Route, Routes } from "./internal/routes.ts"
import { youngMemory } from "./internal/YoungMemory.ts"

export interface TransportOptions extends AddressGuard.AddressOptions {
  /**
   * Resolves the names of destinations, for every new connection, in place of our own way
   * (`/etc/hosts`, DNS, the system's resolver): what it returns is what is connected to, unless it
   * is refused. A `TransportError` given to its callback becomes the attempt's error.
   */
  readonly lookup?: LookupFunction
}

/**
 * How much of a reply's body is read at all. The connection of a longer one is closed: receivers of
 * webhooks answer briefly, and one that does not would cost us more than a new connection.
 */
const maxReplyBytes = 64 * 1024

/** The longest that timers can wait. */
const maxTimeout = 2 ** 31 - 1

const connectionFailed = (message: string) => new Port.TransportError({ reason: "ConnectionFailed", message })

const timedOut = (timeout: number) =>
  new Port.TransportError({ reason: "Timeout", message: `no complete reply within ${timeout} ms` })

const neverLeft = ({ reason, message }: Port.TransportError) =>
  new Port.TransportError({ reason, message, neverLeft: true })

const toTransportError = (error: unknown): Port.TransportError => {
  if (error instanceof Port.TransportError) return error
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Port.TransportError) return cause
  const message = connectionMessage(error)
  return isCertificateError(error)
    ? new Port.TransportError({ reason: "CertificateRefused", message })
    : connectionFailed(message)
}

type Outcome = Effect.Effect<Port.TransportReply, Port.TransportError>

/**
 * Takes a reply as undici reads it, to the end within the bound, so that the connection can be used
 * again. Undici's own streams and signals would be made for each request, for replies that nearly
 * always are empty.
 */
class ReplyHandler implements Dispatcher.DispatchHandler {
  private readonly settle: (outcome: Outcome) => void
  private readonly route: () => Route | null
  private readonly wantsDetails: boolean
  private controller: Dispatcher.DispatchController | null = null
  private aborted: Port.TransportError | null = null
  private status = 0
  private retryAfter: string | null = null
  private headers: Headers = {}
  private readonly asked = performance.now()
  private begun = 0
  private details: Port.ReplyDetails | null = null
  private readonly beginning: Array<Uint8Array> = []
  private read = 0

  /**
   * @param settle told the outcome, at least once: the first one counts
   * @param route by which the request goes
   */
  constructor(settle: (outcome: Outcome) => void, route: () => Route | null, wantsDetails: boolean) {
    this.settle = settle
    this.route = route
    this.wantsDetails = wantsDetails
  }

  /** Also before it has a connection: then the request is never sent. */
  abort(reason: Port.TransportError): void {
    this.aborted = reason
    this.controller?.abort(reason)
  }

  /** A request begins once it has a connection. */
  get hasBegun(): boolean {
    return this.controller !== null
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.begun = performance.now()
    if (this.aborted !== null) controller.abort(this.aborted)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.route()?.answered()
    this.headers = headers
    const retryAfter = headers["retry-after"]
    this.status = status
    this.retryAfter = (typeof retryAfter === "string" ? retryAfter : retryAfter?.[0]) ?? null
    if (!this.wantsDetails) return
    this.details = {
      headers: headersOf(headers),
      address: this.route()?.address ?? null,
      connect: this.begun - this.asked,
      firstByte: performance.now() - this.begun,
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.read < maxTextBytes) this.beginning.push(chunk)
    this.read += chunk.length
    if (this.read <= maxReplyBytes) return
    this.onResponseEnd()
    controller.abort(connectionFailed("the reply is too long"))
  }

  onResponseEnd(): void {
    const route = this.route()
    const isBodyFree = route?.isFlushed === true
    const isOfProxy = this.status === 407 && route?.isForwarded === true
    const reply = (body: string): Port.TransportReply => ({
      status: this.status,
      retryAfter: this.retryAfter,
      body,
      isBodyFree,
      ...(this.details === null ? {} : { details: this.details }),
    })
    const text = this.read === 0 ? "" : beginningOf(Buffer.concat(this.beginning), this.headers)
    if (isOfProxy) this.settle(Effect.fail(refusedBy(this.status)))
    else if (typeof text === "string") this.settle(Effect.succeed(reply(text)))
    else this.settle(Effect.map(Effect.promise(text), reply))
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    const failure = toTransportError(this.route()?.reasonOf(error) ?? error)
    this.settle(Effect.fail(this.hasBegun ? failure : neverLeft(failure)))
  }
}

/** Nobody asks for the outcome any more. */
const interrupted = connectionFailed("interrupted")

const make = Effect.fnUntraced(function* ({ lookup, ...addresses }: TransportOptions) {
  const problems = AddressGuard.allowProblems(addresses.allow ?? [], "allow")
  if (problems.length > 0) return yield* new InvalidOptions({ problems })
  const guard = AddressGuard.make(addresses, lookup ?? new NameResolver(machineSources()).lookup)
  const routes = yield* Effect.acquireRelease(
    Effect.sync(() => new Routes(guard, readEnvironment(process.env))),
    (all) => Effect.promise(() => all.close()),
  )
  return Port.Transport.of({
    send: ({ url: address, headers, body, timeout: asked, connection, wantsDetails = false }) =>
      Effect.callback((resume) => {
        const timeout = Math.max(1, Math.min(asked, maxTimeout))
        let route: Route | null = null
        const handler = new ReplyHandler(
          (outcome) => {
            clearTimeout(timer)
            youngMemory.spend(body.byteLength)
            // Not from within undici, which is not done with the request yet.
            queueMicrotask(() => resume(outcome))
          },
          () => route,
          wantsDetails,
        )
        const timer = setTimeout(() => {
          const error = handler.hasBegun ? timedOut(timeout) : neverLeft(timedOut(timeout))
          // undici hears of it only once a connection is open, and one to a host that keeps silent
          // opens very late.
          resume(Effect.fail(error))
          handler.abort(error)
        }, timeout)
        try {
          const url = new URL(address)
          route = routes.to(url, connection)
          route.dispatch({ url, headers, body }, handler)
        } catch (error) {
          handler.onResponseError(null, error instanceof Error ? error : new Error("not sent"))
        }
        return Effect.sync(() => {
          clearTimeout(timer)
          handler.abort(interrupted)
        })
      }),
  })
})

/**
 * Sends webhooks by undici, over connections that are kept alive and closed with the layer. Fails
 * with {@link InvalidOptions} when an entry of `allow` is none.
 *
 * Sends to the public Internet only, unless `allowPrivate` or `allow` say otherwise: addresses are
 * vetted after a name is resolved, for every connection, and the vetted ones are those connected
 * to. `AddressRefused` is the error then. Answers of DNS are kept for as long as they allow,
 * between a second and a minute, and a connection is used for a minute: a name that moves is
 * followed within two. Several addresses are tried side by side, so that a family that is out of
 * reach costs a quarter of a second.
 *
 * Follows no redirect, retries nothing, and uses no proxy unless a request asks for one: then it is
 * the proxy's address that is vetted, and the receiver's only where the URL has it in digits, since
 * the proxy resolves its name. `HTTP_PROXY` and the like are read at the start, for requests whose
 * proxy is `env`. A reply counts when it is complete, whatever its
 * status: a 2xx whose body breaks off is no delivery. It reads 64 KB of a body at most, and takes a
 * longer one for complete. Messages of errors hold codes and, when an address is refused, the host:
 * nothing else of the URL, the headers or the bodies.
 */
export const layer = (options: TransportOptions = {}): Layer.Layer<Port.Transport, InvalidOptions> =>
  Layer.effect(Port.Transport, make(options))
