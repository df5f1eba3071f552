import type { IncomingMessage, ServerResponse } from "node:http"
import { type BodyLimits, type BodyOptions, bodyLimits, type Ingest } from "@millrace/core/host"
import { writeReply } from "./reply.ts"
import { type ExchangeOptions, openExchange } from "./request.ts"

/** What the handler's maker decides for all of its requests. */
export interface ServeOptions extends ExchangeOptions {
  readonly limits: BodyLimits
  /** Called right before a reply is written. */
  readonly onReply?: (req: IncomingMessage, res: ServerResponse) => void
  /**
   * Gets what `handle` rejects with, or what writing the reply throws: neither is ever the client's
   * fault.
   */
  readonly onDefect: (defect: unknown, req: IncomingMessage, res: ServerResponse) => void
}

// The real one, also where a test of the host's replaces the global one later.
const atTurnsEnd = setImmediate

/**
 * For adapters: lets Millrace answer one request of Node's http server. Replies are written at the
 * end of the event loop's turn, one after the other: who reads them on the same machine, a proxy
 * say, is woken once for all of them, and to wake it takes longer than to write.
 */
export const serve = (
  ingest: Ingest,
  req: IncomingMessage,
  res: ServerResponse,
  options: ServeOptions,
): void => {
  const exchange = openExchange(req, options.limits, options)
  ingest.handle(exchange.request).then(
    (reply) => {
      exchange.release()
      atTurnsEnd(() => {
        try {
          options.onReply?.(req, res)
          writeReply(req, res, reply)
        } catch (defect) {
          // A method that the host has put in place of the response's own: nobody else would catch
          // what it throws here.
          options.onDefect(defect, req, res)
        }
      })
    },
    (defect: unknown) => {
      exchange.release()
      options.onDefect(defect, req, res)
    },
  )
}

/** The answer to a defect where no host could be told of it. */
export const writeDefect = (_defect: unknown, req: IncomingMessage, res: ServerResponse): void => {
  // Half a reply cannot become another one.
  if (res.headersSent && !res.writableEnded) return void res.destroy()
  writeReply(req, res, {
    status: 500,
    headers: { "content-type": "application/json" },
    body: '{"message":"Internal Server Error","status":500}',
  })
}

/**
 * A request listener for `node:http`. Paths that are not ours get a 404.
 *
 * Use it for a server of your own; `createServer` makes one with limits already set.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http"
 * import { Millrace, nodeHandler } from "@millrace/node"
 *
 * const millrace = await Millrace.make({ keys: { server: ["secret-1"] } })
 * const events = nodeHandler(millrace)
 * const server = createServer((req, res) => {
 *   if (millrace.matches(req.url ?? "/")) events(req, res)
 *   else res.end("mine")
 * })
 * server.listen(8080)
 * process.once("SIGTERM", () => server.close(() => millrace.close()))
 * ```
 */
export const nodeHandler = (
  ingest: Ingest,
  options: BodyOptions = {},
): ((req: IncomingMessage, res: ServerResponse) => void) => {
  const serving: ServeOptions = { limits: bodyLimits(options), onDefect: writeDefect }
  return (req, res) => serve(ingest, req, res, serving)
}
