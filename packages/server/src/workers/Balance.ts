import type { Server } from "node:http"
import { performance } from "node:perf_hooks"

/** The share of its time that a worker is in use before another one's help gains anything. */
const busy = 0.5

/** Above an equal part: a difference of so little is not worth a client's new connection. */
const tolerance = 1.1

/** How many connections one of several workers may keep. */
export const shareOf = (connections: ReadonlyArray<number>): number =>
  connections.length === 0
    ? 0
    : Math.ceil((connections.reduce((sum, count) => sum + count, 0) / connections.length) * tolerance) + 1

export interface Balance {
  /** How many there are. */
  readonly connections: () => number
  /**
   * Keeps a busy worker from holding more than its share of connections, until it is told another
   * share.
   */
  readonly keep: (share: number) => void
}

/** What part of the time since it was last asked the event loop was in use, from 0 to 1. */
const utilizationSince = (): (() => number) => {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}

/**
 * Spreads connections among workers. They accept from one socket, each as many as there are when it
 * wakes. In the kernel that costs nobody anything, but one worker may get most of the connections
 * that clients and proxies keep open. It then answers `connection: close` on some. Their clients
 * come back, likely to a worker that has less to do.
 */
export const make = (http: Server, utilization = utilizationSince()): Balance => {
  let open = 0
  let surplus = 0
  http.on("connection", (socket) => {
    open += 1
    socket.once("close", () => {
      open -= 1
    })
  })
  http.prependListener("request", (_req, res) => {
    if (surplus === 0) return
    surplus -= 1
    res.shouldKeepAlive = false
  })
  return {
    connections: () => open,
    keep: (share) => {
      surplus = utilization() > busy ? Math.max(0, open - share) : 0
    },
  }
}
