import type { Server } from "node:net"
import type { Destination, EventLog, HttpIngest } from "@millrace/core"
import type { Otlp } from "@millrace/node"
import { key } from "../requests.ts"

/** Somebody who takes in what SDKs send, and answers 202. */
export interface Contestant {
  /** What it does before it answers. */
  readonly description: string
  /** What an acknowledged request survives; `none` of one that keeps nothing. */
  readonly durability: EventLog.Durability | "none"
  /**
   * Resolves when it listens.
   *
   * @param directory for its files; removed when it is over
   */
  readonly start: (directory: string, setup: Setup) => Promise<Started>
}

export interface Started {
  readonly port: number
  /** Events that wait for a destination, the sum of all; of a contestant that has destinations. */
  readonly pending?: () => Promise<number>
}

/** How a contestant is set up, if it has such a thing. */
export interface Setup {
  readonly destinations?: ReadonlyArray<Destination.DestinationOptions>
  /** What is kept of who sends. */
  readonly client?: HttpIngest.ClientConfig
  /** Where spans go; none are made without it. */
  readonly otlp?: Otlp.OtlpOptions
}

export const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === "string")
    throw new TypeError("the server does not listen on a port")
  return address.port
}

export const listen = (server: Server): Promise<Started> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve({ port: portOf(server) }))
  })

export const isOurs = (sent: string | ReadonlyArray<string> | undefined): boolean => sent === key
