import type { LookupAddress } from "node:dns"
import { isIP, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { buildConnector } from "undici"
import * as AddressGuard from "../addressGuard.ts"
import { connectFirst } from "./happyEyeballs.ts"

/** ms. Name, TCP and TLS together: what takes longer would not answer in time either. */
const connectTimeout = 10_000

/** ms after which a kept connection is looked at by TCP. */
const keepAliveAfter = 60_000

const tookTooLong = () =>
  Object.assign(new Error("no connection in time"), { code: "UND_ERR_CONNECT_TIMEOUT" })

/** Adds TLS to a connection there is. */
const secure = buildConnector({ timeout: connectTimeout })

type Target = Parameters<buildConnector.connector>[0]

const portOf = ({ protocol, port }: Target): number =>
  port === "" ? (protocol === "https:" ? 443 : 80) : Number(port)

/** What is under way to a connection, and can be ended. */
type Cancel = () => void

/**
 * Opens connections to what the guard lets through, and to nothing else: a name is resolved once
 * for a connection, and each address that is tried is one of those that were vetted. What is being
 * opened is ended with the scope.
 *
 * @param onOpen told of every connection, by its origin
 */
export const make = (
  guard: AddressGuard.AddressGuard,
  onOpen: (origin: string, socket: Socket) => void = () => {},
): Effect.Effect<buildConnector.connector, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Set<Cancel>()),
      (opening) =>
        Effect.sync(() => {
          for (const cancel of opening) cancel()
        }),
    ),
    (opening) => (target, callback) => {
      const { hostname } = target
      // Node does not look up what is an address already.
      if (guard.refusesLiteral(hostname)) {
        process.nextTick(callback, AddressGuard.refusal(hostname), null)
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
      const cancel = (): void => {
        cancelStep()
        settle(tookTooLong(), null)
      }
      const timer = setTimeout(cancel, connectTimeout)
      opening.add(cancel)

      const connect = (addresses: ReadonlyArray<LookupAddress>): void => {
        const attempt = connectFirst(addresses, portOf(target), (error, socket) => {
          if (socket === null) return settle(error ?? tookTooLong(), null)
          if (target.protocol !== "https:") {
            socket.setNoDelay(true)
            socket.setKeepAlive(true, keepAliveAfter)
            return settle(null, socket)
          }
          cancelStep = () => socket.destroy()
          secure({ ...target, httpSocket: socket }, settle)
        })
        cancelStep = attempt.cancel
      }

      const literal = hostname.replace(/^\[|\]$/g, "")
      const family = isIP(literal)
      if (family !== 0) return connect([{ address: literal, family }])
      guard.lookup(hostname, { all: true }, (error, found) => {
        if (settled) return
        if (error !== null) settle(error, null)
        else connect(found as ReadonlyArray<LookupAddress>)
      })
    },
  )
