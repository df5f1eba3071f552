import type { LookupAddress } from "node:dns"
import { isIP, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { buildConnector } from "undici"
import * as AddressGuard from "../addressGuard.ts"
import { connectFirst } from "./happyEyeballs.ts"
import { type HttpProxy, ofProxy, openTunnel } from "./proxy.ts"

/** ms. Name, TCP and TLS together: what takes longer would not answer in time either. */
const connectTimeout = 10_000

/** ms after which a kept connection is looked at by TCP. */
const keepAliveAfter = 60_000

const tookTooLong = () =>
  Object.assign(new Error("no connection in time"), { code: "UND_ERR_CONNECT_TIMEOUT" })

/**
 * Makes what adds TLS to a connection there is. Each has sessions of its own, which are resumed: a
 * session belongs to the certificates that it was agreed on with.
 */
export const makeSecure = (options: buildConnector.BuildOptions = {}): buildConnector.connector =>
  buildConnector({ timeout: connectTimeout, ...options })

/** How others are reached. */
export interface Way {
  readonly secure: buildConnector.connector
  /** The proxy that connects us to them; `null` where there is none. */
  readonly tunnel: { readonly proxy: HttpProxy; readonly secure: buildConnector.connector } | null
}

const direct: Way = { secure: makeSecure(), tunnel: null }

type Target = Parameters<buildConnector.connector>[0]

const portOf = ({ protocol, port }: Target): number =>
  port === "" ? (protocol === "https:" ? 443 : 80) : Number(port)

/** What is under way to a connection, and can be ended. */
type Cancel = () => void

export interface Connector {
  readonly connect: buildConnector.connector
  /** Ends what is being opened. */
  readonly cancel: Cancel
}

/**
 * Opens connections to what the guard lets through, and to nothing else: a name is resolved once
 * for a connection, and each address that is tried is one of those that were vetted. Through a
 * proxy, it is the proxy that is resolved and vetted.
 *
 * @param onOpen told of every connection, by its origin
 */
export const open = (
  guard: AddressGuard.AddressGuard,
  onOpen: (origin: string, socket: Socket) => void = () => {},
  { secure, tunnel }: Way = direct,
): Connector => {
  const opening = new Set<Cancel>()
  const connect: buildConnector.connector = (target, callback) => {
    const door = tunnel?.proxy ?? target
    const explained = (error: Error): Error => (tunnel === null ? error : ofProxy(error))
    // Node does not look up what is an address already.
    if (guard.refusesLiteral(door.hostname)) {
      process.nextTick(callback, explained(AddressGuard.refusal(door.hostname)), null)
      return
    }
    let cancelStep: Cancel = () => {}
    let settled = false
    const settle: buildConnector.Callback = (...result) => {
      if (settled) {
        result[1]?.destroy()
        return
      }
      settled = true
      clearTimeout(timer)
      opening.delete(cancel)
      // undici leaves it out beside an error; its types do not say so.
      if (result[0] === null) onOpen(`${target.protocol}//${target.host}`, result[1])
      callback(...result)
    }
    const fail = (error: Error): void => settle(explained(error), null)
    const cancel = (): void => {
      cancelStep()
      fail(tookTooLong())
    }
    const timer = setTimeout(cancel, connectTimeout)
    opening.add(cancel)

    /** On a connection to the target. */
    const begin = (socket: Socket): void => {
      if (target.protocol === "https:") {
        cancelStep = () => socket.destroy()
        secure({ ...target, httpSocket: socket }, settle)
      } else {
        socket.setNoDelay(true)
        socket.setKeepAlive(true, keepAliveAfter)
        settle(null, socket)
      }
    }

    /** On a connection to the proxy. */
    const beginTunnel = (socket: Socket, proxy: HttpProxy): void => {
      cancelStep = () => socket.destroy()
      openTunnel(socket, proxy, `${target.hostname}:${portOf(target)}`, (error) => {
        if (error === null && !settled) return begin(socket)
        socket.destroy()
        if (error !== null) fail(error)
      })
    }

    const connectTo = (addresses: ReadonlyArray<LookupAddress>): void => {
      const attempt = connectFirst(addresses, portOf(door), (error, socket) => {
        if (socket === null) return fail(error ?? tookTooLong())
        if (tunnel === null) return begin(socket)
        const { proxy } = tunnel
        if (proxy.protocol === "http:") return beginTunnel(socket, proxy)
        cancelStep = () => socket.destroy()
        tunnel.secure({ ...proxy, httpSocket: socket }, (refused, secured) => {
          if (refused !== null) fail(refused)
          else beginTunnel(secured, proxy)
        })
      })
      cancelStep = attempt.cancel
    }

    const literal = door.hostname.replace(/^\[|\]$/g, "")
    const family = isIP(literal)
    if (family !== 0) return connectTo([{ address: literal, family }])
    guard.lookup(door.hostname, { all: true }, (error, found) => {
      if (settled) return
      if (error !== null) fail(error)
      else connectTo(found as ReadonlyArray<LookupAddress>)
    })
  }
  return {
    connect,
    cancel: () => {
      for (const each of opening) each()
    },
  }
}

/** {@link open}; what is being opened is ended with the scope. */
export const make = (
  guard: AddressGuard.AddressGuard,
  onOpen?: (origin: string, socket: Socket) => void,
): Effect.Effect<buildConnector.connector, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => open(guard, onOpen)),
      ({ cancel }) => Effect.sync(cancel),
    ),
    ({ connect }) => connect,
  )
