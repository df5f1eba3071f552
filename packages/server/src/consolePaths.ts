import type { IncomingMessage, ServerResponse } from "node:http"
import { AdminApi } from "@millrace/console/admin"
import { IpAddress, makeClientAddress } from "@millrace/core/host"
import type { Others } from "./Endpoints.ts"

/** Where the console is. */
const console = "/console"

const isOfConsole = (url: string): boolean => {
  const path = url.split("?", 1)[0]!
  return path === console || path.startsWith(`${console}/`) || path.startsWith(AdminApi.root)
}

/** A request with the address that it comes from. */
export interface Asked extends IncomingMessage {
  readonly ip: string
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | null => {
  const value = headers[name]
  return value === undefined ? null : [value].flat().join(",")
}

/**
 * Has the console's requests answered, and leaves others alone.
 *
 * @param trust proxies that are believed
 */
export const consolePaths = (
  answer: (req: Asked, res: ServerResponse) => void,
  trust: ReadonlyArray<string> = [],
): Others => {
  const ranges = trust.map(IpAddress.parseRange).filter((range) => typeof range !== "string")
  const find = makeClientAddress(ranges)
  const addressOf = (req: IncomingMessage): string => {
    const peer = req.socket.remoteAddress
    const found = find({
      peer,
      forwardedFor: headerOf(req, "x-forwarded-for"),
      forwarded: headerOf(req, "forwarded"),
    })
    return found === null ? (peer ?? "") : IpAddress.format(found)
  }
  return (req, res, next) =>
    isOfConsole(req.url ?? "") ? answer(Object.assign(req, { ip: addressOf(req) }), res) : next()
}
