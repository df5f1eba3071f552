import { type IncomingMessage, ServerResponse } from "node:http"
import type { HttpIngest } from "@millrace/core"
import { discardLimits } from "@millrace/core/host"
import { letFlow } from "./internal/flowing.ts"

/** Whether nothing of this request's body is still to come. */
export const isWhole = (req: IncomingMessage): boolean =>
  // Requests that are injected by tests end without ever being complete.
  req.complete || req.readableEnded

/**
 * Reads and forgets what is left of an upload, within {@link discardLimits}. A client that writes
 * all of its body before it reads would never see a reply that came with a closed connection: it
 * would see the reset only.
 *
 * @param done called once; `whole` is false when there was more than the limits allow, or the
 * client went away
 */
export const discardUpload = (req: IncomingMessage, done: (whole: boolean) => void): void => {
  if (req.readableEnded || req.destroyed) {
    done(req.readableEnded)
    return
  }
  let left = discardLimits.bytes
  const finish = (whole: boolean) => {
    clearTimeout(timer)
    stopFlow()
    req.off("data", onData)
    req.off("end", onEnd)
    req.off("close", onCut)
    done(whole)
  }
  const onData = (chunk: Uint8Array | string) => {
    left -= chunk.length
    if (left < 0) finish(false)
  }
  const onEnd = () => finish(true)
  const onCut = () => finish(false)
  const timer = setTimeout(onCut, discardLimits.time)
  req.on("error", ignore)
  req.on("data", onData)
  req.on("end", onEnd)
  req.on("close", onCut)
  // It may have been paused when it passed a limit.
  const stopFlow = letFlow(req)
}

const ignore = () => {}

/** Our headers for this reply: without CORS ones where the host has set its own. */
export const replyHeaders = (
  reply: HttpIngest.IngestReply,
  hasOwnCors: boolean,
  hostVary: unknown,
): Record<string, string | number> => {
  const headers: Record<string, string | number> = {}
  for (const name in reply.headers) {
    if (!(hasOwnCors && name.startsWith("access-control-"))) headers[name] = reply.headers[name]!
  }
  if (typeof hostVary === "string" && typeof headers["vary"] === "string")
    headers["vary"] = `${hostVary}, ${headers["vary"]}`
  return headers
}

/** There is one object of headers for each kind of reply: it is laid out for Node once. */
const laidOut = new WeakMap<HttpIngest.IngestReply["headers"], ReadonlyArray<string>>()

const layOut = (headers: HttpIngest.IngestReply["headers"]): ReadonlyArray<string> => {
  let known = laidOut.get(headers)
  if (known === undefined) {
    known = Object.entries(headers).flat()
    laidOut.set(headers, known)
  }
  return known
}

/**
 * Whether the host has neither set a header nor put methods of its own in place of these: sessions,
 * loggers and compression do. Some of theirs read headers only where `setHeader` leaves them, and
 * some set one in `end`, which is too late after `writeHead`.
 */
const isUntouched = (res: ServerResponse): boolean =>
  res.writeHead === ServerResponse.prototype.writeHead &&
  res.end === ServerResponse.prototype.end &&
  res.getHeaderNames().length === 0

/** What a reply's `content-length` says; `null` where there is none, since it has no body. */
export const lengthOf = ({ status, body }: HttpIngest.IngestReply): number | null =>
  status === 204 || status === 304 ? null : Buffer.byteLength(body)

const setHead = (res: ServerResponse, reply: HttpIngest.IngestReply): void => {
  const length = lengthOf(reply)
  if (isUntouched(res)) {
    const headers = layOut(reply.headers)
    res.writeHead(
      reply.status,
      length === null ? [...headers] : [...headers, "content-length", String(length)],
    )
    return
  }
  res.statusCode = reply.status
  const headers = replyHeaders(reply, res.hasHeader("access-control-allow-origin"), res.getHeader("vary"))
  if (length !== null) headers["content-length"] = length
  for (const name in headers) res.setHeader(name, headers[name]!)
}

/**
 * Writes a reply at once, whether or not the client has sent all of its body. What still comes is
 * read and forgotten, and the connection lives on.
 */
export const writeReply = (
  req: IncomingMessage,
  res: ServerResponse,
  reply: HttpIngest.IngestReply,
): void => {
  // The client has gone, or the host has answered in our place (a time-out of its own, say).
  if (res.headersSent || res.writableEnded || res.destroyed) return
  setHead(res, reply)
  if (isWhole(req)) {
    res.end(reply.body)
    req.resume()
    return
  }
  // Ending the response now would let Node close a connection that is not kept alive under the
  // client's hands.
  if (reply.body.length === 0 || req.method === "HEAD") res.flushHeaders()
  else res.write(reply.body)
  discardUpload(req, (whole) => {
    res.end()
    if (!whole) req.destroy()
  })
}
