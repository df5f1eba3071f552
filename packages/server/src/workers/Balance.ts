import type { Server } from "node:http"
import { performance } from "node:perf_hooks"

/** Of the time, in use: below it nothing is gained by another worker's taking over. */
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
  /** Sees to it that a worker which has much to do keeps no more than its share, until it is told another. */
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
 * Workers accept from one socket, each as many as there are when it wakes: in the kernel that costs nobody anything, but one of them may get most of what clients and proxies keep
 * open. It then answers `connection: close` on some, whose clients come back, and likely to a worker that has less to do.
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
