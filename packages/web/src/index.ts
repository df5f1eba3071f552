import { type BodyOptions, bodyLimits, type Ingest } from "@millrace/core/host"
import { replyTo } from "./reply.ts"
import { openUpload } from "./upload.ts"

export type { BodyOptions, Ingest }

/** @template Given what the host hands over beside the request */
export interface WebOptions<Given extends ReadonlyArray<unknown> = []> extends BodyOptions {
  /**
   * Says the address at the other end of the connection, which a `Request` does not have. Asked
   * only when Millrace keeps clients' addresses (`client`). Nobody is asked by default: the address
   * is unknown then, and no header is believed either, since nobody knows whose it is.
   */
  readonly address?: (request: Request, ...given: Given) => string | null | undefined
  /** Answers what is not ours; without it that is a 404. */
  readonly fallback?: (request: Request, ...given: Given) => Response | Promise<Response>
  /**
   * Whether replies carry CORS headers. `true` by default; `false` where the host has middleware
   * that sets its own on every reply.
   */
  readonly cors?: boolean
}

/** The path and the query, without the origin that stands before them. */
const pathOf = (url: string): string => url.slice(url.indexOf("/", url.indexOf("://") + 3))

/**
 * Makes a handler that takes a `Request` and gives a `Response`, as Hono, Next.js, Bun, Deno and
 * others call them. Whatever else the host hands over goes to `address` and `fallback`.
 *
 * The body has to be unread: what has been read already makes the request a 500 that says so. It is
 * read within limits, never whole at once. The handler rejects for defects only, and those are for
 * the host to tell of.
 *
 * @example
 * ```ts
 * const events = webHandler(millrace)
 *
 * // Hono
 * app.use((c, next) => (millrace.matches(c.req.url) ? events(c.req.raw) : next()))
 *
 * // A route of Next.js: app/v1/[...path]/route.ts
 * export { events as GET, events as OPTIONS, events as POST }
 *
 * // Deno
 * Deno.serve({ port: 8080 }, webHandler(millrace, {
 *   address: (_request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => info.remoteAddr.hostname,
 * }))
 * ```
 */
export const webHandler = <Given extends ReadonlyArray<unknown> = []>(
  ingest: Ingest,
  options: WebOptions<Given> = {},
): ((request: Request, ...given: Given) => Promise<Response>) => {
  const { address, fallback, cors = true } = options
  const limits = bodyLimits(options)
  return async (request, ...given) => {
    if (fallback !== undefined && !ingest.matches(request.url)) return fallback(request, ...given)
    const upload = openUpload(request, limits)
    try {
      const reply = await ingest.handle({
        method: request.method,
        url: pathOf(request.url),
        headers: Object.fromEntries(request.headers),
        get peer() {
          return address?.(request, ...given) ?? undefined
        },
        body: upload.read,
      })
      return replyTo(request, reply, cors, upload)
    } finally {
      upload.release()
    }
  }
}
