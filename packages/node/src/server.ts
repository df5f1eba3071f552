import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { type BodyOptions, bodyLimits, type Ingest } from "@millrace/core/host"
import * as Duration from "effect/Duration"
import { type ServeOptions, serve, writeDefect } from "./handler.ts"

export interface ServerOptions extends BodyOptions {
  /** How long a request's head may take, 10 seconds by default: what slow-loris clients live on. */
  readonly headersTimeout?: Duration.Input
  /**
   * How long a connection may wait for its next request. 65 seconds: longer than the 60 of common
   * load balancers, which then close first.
   */
  readonly keepAliveTimeout?: Duration.Input
  /** Connections over this number are closed at once. 10,000: a few hundred MB at the worst. */
  readonly maxConnections?: number
  /** Answers what is not ours; without it that is a 404. */
  readonly fallback?: Http.RequestListener
}

export interface MillraceServer {
  readonly http: Http.Server
  /** Rejects when the address cannot be had. Port 0 takes a free one. */
  readonly listen: (port: number, host?: string) => Promise<AddressInfo>
  /**
   * Takes no new connections, lets requests in flight finish within the deadline (10 seconds by
   * default), then cuts what is left. Calling it again returns the same promise. Close Millrace
   * itself after it.
   */
  readonly close: (deadline?: Duration.Input) => Promise<void>
}

const millis = (input: Duration.Input) => Duration.toMillis(Duration.fromInputUnsafe(input))

/**
 * Refuses with the form of all our errors, and closes the connection: what comes next could be a
 * body or another request.
 */
const refuseRequest = (status: 400 | 417, res: Http.ServerResponse) => {
  const body = JSON.stringify({ message: Http.STATUS_CODES[status], status })
  res.writeHead(status, {
    "content-type": "application/json",
    "content-length": body.length,
    connection: "close",
  })
  res.end(body)
}

/** Whether the `Host` that HTTP/1.1 asks for is missing. Node would say so without a body. */
const lacksHost = (req: Http.IncomingMessage) => req.httpVersion === "1.1" && req.headers.host === undefined

/** What Node's parser refuses before there is a request, in the form of all our errors. */
const refuse = (error: NodeJS.ErrnoException, socket: Socket) => {
  // On a connection that has been written to, this could land in the middle of another reply.
  if (!socket.writable || socket.bytesWritten > 0) return void socket.destroy()
  const status =
    error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400
  const message = Http.STATUS_CODES[status]!
  const body = JSON.stringify({ message, status })
  socket.end(
    `HTTP/1.1 ${status} ${message}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}

/**
 * A `node:http` server for Millrace alone, with deadlines for heads, bodies and idle connections,
 * and a close that drains.
 *
 * @example
 * ```ts
 * const server = createServer(millrace)
 * const { port } = await server.listen(8080)
 * process.once("SIGTERM", async () => {
 *   await server.close()
 *   await millrace.close()
 * })
 * ```
 */
export const createServer = (ingest: Ingest, options: ServerOptions = {}): MillraceServer => {
  let closing: Promise<void> | undefined
  const limits = bodyLimits(options)
  const headersTimeout = millis(options.headersTimeout ?? "10 seconds")

  const lastReply = (_req: Http.IncomingMessage, res: Http.ServerResponse) => {
    if (closing !== undefined) res.shouldKeepAlive = false
  }
  const serving: ServeOptions = { limits, onReply: lastReply, onDefect: writeDefect }

  const { fallback } = options
  const listener: Http.RequestListener = (req, res) => {
    if (lacksHost(req)) return refuseRequest(400, res)
    if (fallback === undefined || ingest.matches(req.url ?? "/")) return serve(ingest, req, res, serving)
    lastReply(req, res)
    res.once("close", () => closing !== undefined && http.closeIdleConnections())
    fallback(req, res)
  }

  const http = Http.createServer(
    {
      headersTimeout,
      requireHostHeader: false,
      // Ours come first, with a reply: this is for bodies that are being discarded, and for the
      // fallback.
      requestTimeout: headersTimeout + limits.timeout + 15_000,
      keepAliveTimeout: millis(options.keepAliveTimeout ?? "65 seconds"),
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeout / 4)),
    },
    listener,
  )
  http.maxConnections = options.maxConnections ?? 10_000
  http.on("clientError", refuse)
  http.on("checkExpectation", (_req, res) => refuseRequest(417, res))
  http.on("checkContinue", (req, res) => {
    if (lacksHost(req)) return refuseRequest(400, res)
    if (fallback !== undefined && !ingest.matches(req.url ?? "/")) {
      res.writeContinue()
      return listener(req, res)
    }
    // Unless it has been asked to continue, Node closes the connection: what comes next could be
    // the body or another request.
    serve(ingest, req, res, { ...serving, onRead: () => res.writeContinue() })
  })

  return {
    http,
    listen: (port, host = "127.0.0.1") =>
      new Promise((resolve, reject) => {
        http.once("error", reject)
        http.listen(port, host, () => {
          http.off("error", reject)
          resolve(http.address() as AddressInfo)
        })
      }),
    close: (deadline = "10 seconds") => {
      closing ??= new Promise((resolve) => {
        const timer = setTimeout(() => http.closeAllConnections(), millis(deadline))
        http.close(() => {
          clearTimeout(timer)
          resolve()
        })
        http.closeIdleConnections()
      })
      return closing
    },
  }
}
