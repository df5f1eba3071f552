import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/** A server that somebody runs. */
export interface Host {
  /** Where it is reached: what SDKs put before `/v1/log_event`. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** Lets a server listen at a free port. */
export const listening = async (server: Server): Promise<Host> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
