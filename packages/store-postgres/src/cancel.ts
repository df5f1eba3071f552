import { connect } from "node:net"
import type { PoolClient } from "pg"

/** What the driver's types leave out. */
interface Cancellable {
  readonly processID: number | null
  readonly secretKey: number | null
}

/** The protocol's number for a request to cancel. */
const cancelRequest = 80_877_102

/** How long the server may take to hear of it, in ms. */
const timeout = 2000

/**
 * Asks the server to stop what a connection is doing, by the protocol's way, which a pooler passes
 * on. Closing the connection is not enough: a server that waits, for a lock or a standby, does not
 * look at it, and would collect those who have gone away.
 */
export const cancel = (client: PoolClient): void => {
  const { host, port, processID, secretKey } = client as PoolClient & Cancellable
  if (typeof processID !== "number" || typeof secretKey !== "number") return
  const message = Buffer.alloc(16)
  for (const [index, value] of [message.length, cancelRequest, processID, secretKey].entries()) {
    message.writeInt32BE(value, index * 4)
  }
  const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.unref()
  socket.setTimeout(timeout, () => socket.destroy())
  socket.on("error", () => {})
  socket.end(message)
}
