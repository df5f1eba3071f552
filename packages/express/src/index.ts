import type { IncomingMessage, ServerResponse } from "node:http"
import { type BodyOptions, bodyLimits, type Ingest, serve } from "@millrace/node"

/** What a middleware of Express, or of anything with the same calling convention, is. */
export type Middleware = (
  req: IncomingMessage & { readonly originalUrl?: string; readonly baseUrl?: string },
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A middleware that answers what SDKs and webhooks send, and passes everything else on.
 *
 * Mount it before body parsers: it reads the bytes itself. Behind one it still works, on a slower
 * path, as long as the parser has left `req.body` or `req.rawBody`; one that has left nothing makes
 * every request a 500 that says so. But what the parser itself refuses never gets here: zstd, which
 * Statsig's server core sends, gzip that no header names, and what is larger than its limit of 100
 * kB. If a middleware before it has set `access-control-allow-origin`, Millrace adds no CORS header
 * of its own. `next(error)` is called for defects only.
 *
 * @example
 * ```ts
 * import express from "express"
 * import { expressHandler } from "@millrace/express"
 * import { Millrace } from "@millrace/node"
 *
 * const millrace = await Millrace.make({ keys: { server: ["secret-1"] } })
 * const app = express()
 * app.use(expressHandler(millrace)) // or app.use("/events", expressHandler(millrace))
 * app.use(express.json())
 *
 * const server = app.listen(8080)
 * process.once("SIGTERM", () => server.close(() => millrace.close()))
 * ```
 */
export const expressHandler = (ingest: Ingest, options: BodyOptions = {}): Middleware => {
  const limits = bodyLimits(options)
  return (req, res, next) => {
    const { url = "/", originalUrl = url, baseUrl = "" } = req
    // What stands before may be the version that is asked for.
    if (ingest.matches(url)) {
      return serve(ingest, req, res, { limits, url: `${baseUrl}${url}`, onDefect: next })
    }
    // Express takes the mount path off `url`: mounted on a path of ours, only `originalUrl` has it.
    if (originalUrl === url || !ingest.matches(originalUrl)) return next()
    serve(ingest, req, res, { limits, url: originalUrl, onDefect: next })
  }
}
