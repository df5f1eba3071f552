import { type LookupFunction, Socket } from "node:net"
import { InvalidOptions, Transport as Port } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Agent, buildConnector, type Dispatcher, request as send } from "undici"
import * as AddressGuard from "./addressGuard.ts"
import { codeOf, connectionMessage } from "./internal/connectionError.ts"
import { withCredentials } from "./internal/credentials.ts"

export interface TransportOptions extends AddressGuard.AddressOptions {
  /**
   * Resolves the names of destinations, for every new connection, in place of the system's resolver: what it returns is what is
   * connected to, unless it is refused. A `TransportError` given to its callback becomes the attempt's error.
   */
  readonly lookup?: LookupFunction
}

/**
 * How much of a reply's body is read at all. The connection of a longer one is closed: receivers of webhooks answer briefly, and
 * one that does not would cost us more than a new connection.
 */
const maxReplyBytes = 64 * 1024

/** The longest that timers can wait. */
const maxTimeout = 2 ** 31 - 1

/** ms. TCP and TLS together: one that takes longer would not answer in time either. */
const connectTimeout = 10_000

const connectionFailed = (message: string) => new Port.TransportError({ reason: "ConnectionFailed", message })

const timedOut = (timeout: number) =>
  new Port.TransportError({ reason: "Timeout", message: `no complete reply within ${timeout} ms` })

const toTransportError = (error: unknown, timeout: number): Port.TransportError => {
  if (error instanceof Port.TransportError) return error
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Port.TransportError) return cause
  const code = codeOf(error)
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") return timedOut(timeout)
  return connectionFailed(connectionMessage(error))
}

/** The beginning of the body as text; reads on to the end within the bound, so that the connection can be used again. */
const readReply = async (body: Dispatcher.ResponseData["body"]): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ""
  let read = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (text.length < Port.maxReplyLength) text += decoder.decode(chunk, { stream: true })
    read += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (read > maxReplyBytes) break
  }
  if (text.length < Port.maxReplyLength) text += decoder.decode()
  return text.slice(0, Port.maxReplyLength)
}

const attempt = async (
  agent: Agent,
  request: Port.TransportRequest,
  signal: AbortSignal,
  timeout: number,
): Promise<Port.TransportReply> => {
  const url = new URL(request.url)
  const { statusCode, headers, body } = await send(url, {
    dispatcher: agent,
    method: "POST",
    headers: withCredentials(url, request.headers),
    body: request.body,
    signal,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
  const retryAfter = headers["retry-after"]
  return {
    status: statusCode,
    retryAfter: (typeof retryAfter === "string" ? retryAfter : retryAfter?.[0]) ?? null,
    body: await readReply(body),
  }
}

/** Opens connections to what the guard lets through; those that are being opened are closed with the scope, like all others. */
const makeConnector = (
  guard: AddressGuard.AddressGuard,
): Effect.Effect<buildConnector.connector, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Set<Socket>()),
      (opening) =>
        Effect.sync(() => {
          for (const socket of opening) socket.destroy()
        }),
    ),
    (opening) => {
      const open = buildConnector({ timeout: connectTimeout, lookup: guard.lookup })
      return (target, callback) => {
        // Node does not look up what is an address already.
        if (guard.refusesLiteral(target.hostname)) {
          process.nextTick(callback, AddressGuard.refusal(target.hostname), null)
          return
        }
        const socket: unknown = open(target, (...result) => {
          if (socket instanceof Socket) opening.delete(socket)
          callback(...result)
        })
        // undici returns it; its types do not say so.
        if (socket instanceof Socket) opening.add(socket)
      }
    },
  )

const make = Effect.fnUntraced(function* ({ lookup, ...addresses }: TransportOptions) {
  const problems = AddressGuard.allowProblems(addresses.allow ?? [], "allow")
  if (problems.length > 0) return yield* new InvalidOptions({ problems })
  const connect = yield* makeConnector(AddressGuard.make(addresses, lookup))
  const agent = yield* Effect.acquireRelease(
    // Below the 5 seconds after which Node's servers close theirs: a request sent right then is lost.
    Effect.sync(() => new Agent({ keepAliveTimeout: 4_000, connect })),
    (agent) => Effect.promise(() => agent.destroy()),
  )
  return Port.Transport.of({
    send: (request) =>
      Effect.callback((resume) => {
        const timeout = Math.max(1, Math.min(request.timeout, maxTimeout))
        const controller = new AbortController()
        const timer = setTimeout(() => {
          // undici hears of it only once a connection is open, and one to a host that keeps silent opens very late.
          resume(Effect.fail(timedOut(timeout)))
          controller.abort()
        }, timeout)
        attempt(agent, request, controller.signal, timeout)
          .then(Effect.succeed, (error: unknown) => Effect.fail(toTransportError(error, timeout)))
          .then((outcome) => {
            clearTimeout(timer)
            resume(outcome)
          })
        return Effect.sync(() => {
          clearTimeout(timer)
          controller.abort()
        })
      }),
  })
})

/**
 * Sends webhooks by undici, over connections that are kept alive and closed with the layer. Fails with {@link InvalidOptions} when an
 * entry of `allow` is none.
 *
 * Sends to the public Internet only, unless `allowPrivate` or `allow` say otherwise: addresses are vetted after a name is resolved,
 * for every connection, and the vetted ones are those connected to. `AddressRefused` is the error then.
 *
 * Follows no redirect, retries nothing, and uses no proxy: `HTTP_PROXY` and the like are not read, since it would be the proxy that
 * resolves names. A reply counts when it is complete, whatever its status: a 2xx whose body breaks off is no delivery. Of a body it
 * reads 64 KB at most, and takes a longer one for complete. Messages of errors hold codes and, when an address is refused, the host:
 * nothing else of the URL, the headers or the bodies.
 */
export const layer = (options: TransportOptions = {}): Layer.Layer<Port.Transport, InvalidOptions> =>
  Layer.effect(Port.Transport, make(options))
