import type { Socket } from "node:net"
import { createSecureContext, rootCertificates } from "node:tls"
import { Transport as Port } from "@millrace/core"
import { Agent, type buildConnector, type Dispatcher } from "undici"
import * as AddressGuard from "../addressGuard.ts"
import { codeOf, isCertificateError } from "./connectionError.ts"
import * as Connector from "./connector.ts"
import { withCredentials } from "./credentials.ts"
import { type HttpProxy, ofProxy, parseProxy } from "./proxy.ts"
import type { ProxyOf } from "./proxyEnvironment.ts"

/**
 * Bytes. Proxies and identity providers add policies and cookies of 20 KB; a reply with more is a
 * broken one.
 */
const maxHeaderBytes = 128 * 1024

/**
 * ms. A connection is not used for longer, so that a name which moves to other machines is
 * followed.
 */
const maxConnectionAge = 60_000

/** More than the destinations of any installation that has a route of its own for each. */
export const maxRoutes = 256

/** ms. Its connections are long closed by then: what is left are certificates and keys. */
export const unusedFor = 5 * 60_000

/** The sockets to one origin, of a route. */
class Connections {
  private readonly byOrigin = new Map<string, Set<Socket>>()
  /**
   * Why the last of them was refused after it had been opened, since the last reply: TLS lets a
   * client begin before its certificate has been looked at, and undici then says of all that was
   * sent only that the connection was closed.
   */
  refused: Error | null = null

  add(origin: string, socket: Socket): void {
    socket.once("error", (error) => {
      if (isCertificateError(error)) this.refused = error
    })
    const sockets = this.byOrigin.get(origin) ?? new Set()
    this.byOrigin.set(origin, sockets.add(socket))
    socket.once("close", () => {
      sockets.delete(socket)
      if (sockets.size === 0) this.byOrigin.delete(origin)
    })
  }

  addressOf(origin: string): string | null {
    const [socket] = this.byOrigin.get(origin) ?? []
    return socket?.remoteAddress ?? null
  }

  /**
   * Whether all that was written to an origin has left this process. Not when there is no
   * connection any more.
   */
  areFlushed(origin: string): boolean {
    const sockets = this.byOrigin.get(origin)
    return sockets !== undefined && [...sockets].every(({ writableLength }) => writableLength === 0)
  }
}

interface Sent {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A way for requests to leave, as a handler needs to know it. */
export interface Route {
  /** Whether it is a proxy that answers, for whoever it has asked. */
  readonly isForwarded: boolean
  /** Whether all that was written has left this process. */
  readonly isFlushed: boolean
  /** Where the connections to the receiver lead to; `null` when there are none, or to a proxy. */
  readonly address: string | null
  /** Call it with each reply. */
  readonly answered: () => void
  /** The reason of an error that undici does not know. */
  readonly reasonOf: (error: Error) => Error
  readonly dispatch: (sent: Sent, handler: Dispatcher.DispatchHandler) => void
}

/** What undici is asked, of a request. */
interface Asked {
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

const asked = ({ url, headers }: Sent): Asked => ({
  origin: url.origin,
  path: `${url.pathname}${url.search}`,
  headers: withCredentials(url, headers),
})

/** In the form that proxies take: with the whole URL in place of a path. */
const askedOfProxy = (sent: Sent, { origin, authorization }: HttpProxy): Asked => {
  const { path, headers } = asked(sent)
  return {
    origin,
    path: `${sent.url.origin}${path}`,
    headers: {
      ...headers,
      host: sent.url.host,
      ...(authorization === null ? {} : { "proxy-authorization": authorization }),
    },
  }
}

/** What undici calls a connection that was closed before the reply was complete. */
const closed = "UND_ERR_SOCKET"

/** Where all requests of one kind leave, over connections of their own. */
class Exit {
  private readonly agent: Agent
  private readonly connector: Connector.Connector
  private readonly connections = new Connections()
  private readonly guard: AddressGuard.AddressGuard
  private readonly proxy: HttpProxy | null
  private readonly isForwarded: boolean

  /** @param isForwarded whether the proxy is given requests, in place of connections */
  constructor(
    guard: AddressGuard.AddressGuard,
    tls: Port.Connection["tls"] = undefined,
    proxy: HttpProxy | null = null,
    isForwarded = false,
  ) {
    this.guard = guard
    this.proxy = proxy
    this.isForwarded = isForwarded
    const onOpen = (origin: string, socket: Socket) => this.connections.add(origin, socket)
    this.connector = Connector.open(guard, onOpen, {
      secure: tls === undefined ? Connector.makeSecure() : secureOf(tls),
      tunnel: proxy === null || isForwarded ? null : { proxy, secure: proxySecure(tls?.ca) },
    })
    // Below the 5 seconds after which Node's servers close theirs: a request sent right then is
    // lost.
    this.agent = new Agent({
      keepAliveTimeout: 4_000,
      clientTtl: maxConnectionAge,
      maxHeaderSize: maxHeaderBytes,
      connect: isForwarded ? this.explained : this.connector.connect,
    })
  }

  /** Says of what fails that it was on the way to the proxy. */
  private readonly explained: buildConnector.connector = (target, callback) =>
    this.connector.connect(target, (...result) => {
      if (result[0] === null) callback(...result)
      else callback(ofProxy(result[0]), null)
    })

  to(url: URL): Route {
    const { proxy, isForwarded, connections, guard, agent } = this
    const origin = isForwarded && proxy !== null ? proxy.origin : url.origin
    return {
      isForwarded,
      get isFlushed() {
        return connections.areFlushed(origin)
      },
      get address() {
        return proxy === null ? connections.addressOf(origin) : null
      },
      answered: () => {
        connections.refused = null
      },
      reasonOf: (error) => (codeOf(error) === closed ? (connections.refused ?? error) : error),
      dispatch: (sent, handler) => {
        // Names are the proxy's to resolve.
        if (proxy !== null && guard.surelyRefuses(url.hostname)) throw AddressGuard.refusal(url.hostname)
        const request = isForwarded && proxy !== null ? askedOfProxy(sent, proxy) : asked(sent)
        agent.dispatch(
          {
            ...request,
            method: "POST",
            body: sent.body,
            // Whoever sends has a timer for all of it.
            headersTimeout: 0,
            bodyTimeout: 0,
          },
          handler,
        )
      },
    }
  }

  /** Lets what is under way come to its end. */
  retire(): Promise<void> {
    return this.agent.close()
  }

  /** Ends what is under way. */
  destroy(): Promise<void> {
    this.connector.cancel()
    return this.agent.destroy()
  }
}

/** For connections to a proxy: those who have an authority of their own may have it there, too. */
const proxySecure = (ca: string | undefined): buildConnector.connector =>
  Connector.makeSecure(ca === undefined ? {} : { ca: [...rootCertificates, ca] })

const wronglySetUp = (message: string): Port.TransportError =>
  new Port.TransportError({ reason: "CertificateRefused", message })

/** @throws TransportError when the certificates or the key cannot be used */
const secureOf = ({ ca, cert, key, servername }: NonNullable<Port.Connection["tls"]>) => {
  try {
    const secureContext = createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
    const secure = Connector.makeSecure({ secureContext })
    const connect: buildConnector.connector = (target, callback) =>
      secure(servername === undefined ? target : { ...target, servername }, callback)
    return connect
  } catch (error) {
    const code = codeOf(error)
    throw wronglySetUp(
      `the certificate, its key or the authority of this destination cannot be used${code === undefined ? "" : ` (${code})`}`,
    )
  }
}

interface Kept {
  readonly exit: Exit
  readonly timer: NodeJS.Timeout
}

/**
 * The ways on which requests leave: the usual one, and one for each other {@link Port.Connection}.
 * Those are made when they are first asked for, and retired when nobody has asked for them for
 * {@link unusedFor}, or so many others have been since.
 */
export class Routes {
  private readonly guard: AddressGuard.AddressGuard
  private readonly environment: ProxyOf
  private readonly usual: Exit
  private readonly kept = new Map<string, Kept>()
  /** Those, and the ones that are retired and not at their end yet. */
  private readonly alive = new Set<Exit>()
  /** What tells connections apart that are given as different objects. */
  private readonly keys = new WeakMap<Port.Connection, string>()

  constructor(guard: AddressGuard.AddressGuard, environment: ProxyOf) {
    this.guard = guard
    this.environment = environment
    this.usual = new Exit(guard)
    this.alive.add(this.usual)
  }

  /** @throws TransportError when the connection cannot be used as it is set up */
  to(url: URL, connection: Port.Connection = {}): Route {
    const proxyText = connection.proxy === "env" ? this.environment(url) : (connection.proxy ?? null)
    if (connection.tls === undefined && proxyText === null) return this.usual.to(url)
    const proxy = proxyText === null ? null : parseProxy(proxyText)
    if (proxyText !== null && proxy === null) {
      throw new Port.TransportError({
        reason: "ConnectionFailed",
        message: "the proxy's URL cannot be used: expected http:// or https://",
      })
    }
    // A proxy that is asked by TLS for what leaves it without gets a tunnel as well: its own name
    // and the receiver's would be mixed up on one connection.
    const isForwarded = proxy?.protocol === "http:" && url.protocol === "http:"
    const key = `${isForwarded} ${proxyText} ${this.keyOf(connection)}`
    return this.exit(key, () => new Exit(this.guard, connection.tls, proxy, isForwarded)).to(url)
  }

  /** How many are kept besides the usual one. */
  get size(): number {
    return this.kept.size
  }

  async close(): Promise<void> {
    for (const { timer } of this.kept.values()) clearTimeout(timer)
    this.kept.clear()
    await Promise.all([...this.alive].map((exit) => exit.destroy()))
  }

  private keyOf(connection: Port.Connection): string {
    const known = this.keys.get(connection)
    if (known !== undefined) return known
    const { ca, cert, key, servername } = connection.tls ?? {}
    const made = JSON.stringify([ca, cert, key, servername])
    this.keys.set(connection, made)
    return made
  }

  private exit(key: string, make: () => Exit): Exit {
    const known = this.kept.get(key)
    if (known !== undefined) {
      known.timer.refresh()
      // The first of the map is the one that was asked for longest ago.
      this.kept.delete(key)
      this.kept.set(key, known)
      return known.exit
    }
    const exit = make()
    this.alive.add(exit)
    const timer = setTimeout(() => this.retire(key), unusedFor)
    timer.unref()
    this.kept.set(key, { exit, timer })
    const [oldest] = this.kept.keys()
    if (this.kept.size > maxRoutes && oldest !== undefined) this.retire(oldest)
    return exit
  }

  private retire(key: string): void {
    const kept = this.kept.get(key)
    if (kept === undefined) return
    clearTimeout(kept.timer)
    this.kept.delete(key)
    const forget = () => this.alive.delete(kept.exit)
    kept.exit.retire().then(forget, forget)
  }
}
