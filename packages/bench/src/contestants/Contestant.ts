import type { Server } from "node:net"
import type { Destination, EventLog } from "@millrace/core"
import { key } from "../requests.ts"

/** Somebody who takes in what SDKs send, and answers 202. */
export interface Contestant {
  /** What it does before it answers. */
  readonly description: string
  /** What an acknowledged request survives; `none` of one that keeps nothing. */
  readonly durability: EventLog.Durability | "none"
  /**
   * Resolves to the port that it listens on.
   *
   * @param directory for its files; removed when it is over
   */
  readonly start: (directory: string, setup: Setup) => Promise<number>
}

/** How a contestant is set up, if it has such a thing. */
export interface Setup {
  readonly destinations?: ReadonlyArray<Destination.DestinationOptions>
}

export const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === "string")
    throw new TypeError("the server does not listen on a port")
  return address.port
}

export const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(portOf(server)))
  })

export const isOurs = (sent: string | ReadonlyArray<string> | undefined): boolean => sent === key
