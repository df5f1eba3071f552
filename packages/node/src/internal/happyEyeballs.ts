import type { LookupAddress } from "node:dns"
import { connect, type NetConnectOpts, type Socket } from "node:net"

/** ms from one attempt to the next: RFC 8305 recommends it. Those begun before go on. */
const nextAfter = 250

/** An answer of DNS may hold hundreds of addresses: this many are tried for one connection. */
const mostAddresses = 8

/** What is read from a socket at once, as undici has it. */
const readBytes = 64 * 1024

/**
 * The families of addresses in turns, beginning with that of the first: one that is out of reach
 * delays the other by one attempt.
 */
export const inTurns = (addresses: ReadonlyArray<LookupAddress>): ReadonlyArray<LookupAddress> => {
  const first = addresses.filter(({ family }) => family === addresses[0]!.family)
  const other = addresses.filter(({ family }) => family !== addresses[0]!.family)
  return Array.from({ length: Math.max(first.length, other.length) }, (_, at) => [
    ...first.slice(at, at + 1),
    ...other.slice(at, at + 1),
  ]).flat()
}

export interface Attempt {
  /** Ends all that are under way. */
  readonly cancel: () => void
}

/**
 * Connects to the first of several addresses that takes the connection (RFC 8305): each is begun a
 * quarter of a second after the one before, or once that has failed, and none is given up before
 * another has won. Nothing but these addresses is connected to.
 *
 * @param callback called once, unless it is cancelled before; with the first attempt's error when
 * all have failed
 * @param open in place of Node's own, for tests
 */
export const connectFirst = (
  addresses: ReadonlyArray<LookupAddress>,
  port: number,
  callback: (error: Error | null, socket: Socket | null) => void,
  open: (options: NetConnectOpts) => Socket = connect,
): Attempt => {
  const left = inTurns(addresses).slice(0, mostAddresses)
  const sockets = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined
  let failure: Error | undefined
  let done = false

  const end = (winner: Socket | null): void => {
    done = true
    clearTimeout(timer)
    for (const socket of sockets) if (socket !== winner) socket.destroy()
  }

  const next = (): void => {
    clearTimeout(timer)
    const address = left.shift()
    if (address === undefined) return
    // Node's types do not know that it takes the options of a stream.
    const options = { host: address.address, port, highWaterMark: readBytes }
    const socket = open(options as NetConnectOpts)
    sockets.add(socket)
    if (left.length > 0) timer = setTimeout(next, nextAfter)
    const failed = (error: Error): void => {
      if (done) return
      sockets.delete(socket)
      failure ??= error
      if (left.length > 0) next()
      else if (sockets.size === 0) {
        end(null)
        callback(failure, null)
      }
    }
    // For ever: until somebody else listens, an error of the winner must not end the process.
    socket.on("error", failed)
    socket.once("connect", () => {
      if (done) return
      end(socket)
      callback(null, socket)
    })
  }

  next()
  return { cancel: () => end(null) }
}
