import { Readable } from "node:stream"
import { paths as ours } from "@millrace/core/host"
import {
  type BodyOptions,
  bodyLimits,
  discardUpload,
  type Ingest,
  isWhole,
  lengthOf,
  openExchange,
  replyHeaders,
} from "@millrace/node"
import type { FastifyPluginCallback, FastifyReply } from "fastify"
import fastifyPlugin from "fastify-plugin"

export interface MillracePluginOptions extends BodyOptions {
  readonly ingest: Ingest
}

/**
 * What plugins look for on a route before they read or change its body: `@fastify/compress`, which
 * refuses zstd on old versions of Node (we inflate by ourselves), and `fastify-raw-body`, which
 * stops a body at the route's limit. That limit is above any that we take.
 */
const untouched = { decompress: false, config: { rawBody: false }, bodyLimit: 64 * 1024 * 1024 }

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/**
 * A body that ends when the upload does: until then Fastify must not end the response, nor Node
 * close the connection.
 */
const heldOpen = (reply: FastifyReply, body: string | Uint8Array): Readable => {
  const raw = reply.request.raw
  const stream = new Readable({ read: () => {} })
  if (body.length > 0) stream.push(body)
  discardUpload(raw, (whole) => {
    stream.push(null)
    if (!whole) raw.destroy()
  })
  return stream
}

const bytesOf = (body: string | Uint8Array): Buffer =>
  typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)

const plugin: FastifyPluginCallback<MillracePluginOptions> = (fastify, { ingest, ...options }, done) => {
  const limits = bodyLimits(options)

  // Seen by this plugin's routes only: whatever a body claims to be, we take the stream.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload))
  fastify.addHook("onRequest", (request, _reply, next) => {
    // A content type that cannot be read would be answered with 415 before any parser is asked.
    delete request.raw.headers["content-type"]
    next()
  })

  const handler = async (request: FastifyReply["request"], reply: FastifyReply) => {
    const { raw } = request
    const stream = request.body instanceof Readable ? request.body : raw
    const exchange = openExchange(raw, limits, { url: request.url, stream })
    const answer = await ingest.handle(exchange.request).finally(exchange.release)
    const ownCors = reply.hasHeader("access-control-allow-origin")
    reply.code(answer.status).headers(replyHeaders(answer, ownCors, reply.getHeader("vary")))
    if (isWhole(raw)) {
      raw.resume()
      // Bytes: to text Fastify would add a charset.
      return reply.send(answer.body.length === 0 ? undefined : bytesOf(answer.body))
    }
    const length = lengthOf(answer)
    if (length !== null) reply.header("content-length", length)
    return reply.send(heldOpen(reply, answer.body))
  }

  // Fastify prefers a parametric route of the host's (`/v1/:name`) to a wildcard of ours, but none
  // to these.
  for (const path of ingest.paths ?? ours) {
    for (const url of [`/v1/${path}`, `/${path}`])
      fastify.route({ ...untouched, method: methods, url, exposeHeadRoute: false, handler })
  }
  // Paths of the user's own choice, doubled slashes and the like. The constraint leaves all other
  // paths, and wildcards of the host's, alone.
  if (!fastify.hasConstraintStrategy("millrace")) {
    fastify.addConstraintStrategy({
      name: "millrace",
      storage: () => {
        const routes = new Map<unknown, unknown>()
        return {
          get: (ours) => (routes.get(ours) ?? null) as never,
          set: (ours, route) => routes.set(ours, route),
        }
      },
      validate: () => {},
      deriveConstraint: (request) => ingest.matches(request.url ?? "/"),
    })
  }
  // The prefix itself may be a path of the user's own.
  for (const url of fastify.prefix === "" ? ["/*"] : ["/*", ""]) {
    fastify.route({
      ...untouched,
      method: methods,
      url,
      exposeHeadRoute: false,
      constraints: { millrace: true },
      handler,
    })
  }
  done()
}

/**
 * A plugin that answers what SDKs and webhooks send. It is encapsulated: the host's parsers and
 * routes are not touched, and paths that are not ours never reach it. The host's hooks run for it
 * as for any route, and its error handler sees defects only.
 *
 * @example
 * ```ts
 * import millrace from "@millrace/fastify"
 * import { Millrace } from "@millrace/node"
 * import Fastify from "fastify"
 *
 * const ingest = await Millrace.make({ keys: { server: ["secret-1"] } })
 * const app = Fastify()
 * app.register(millrace, { ingest }) // or with prefix: "/events"
 * app.addHook("onClose", () => ingest.close())
 * await app.listen({ port: 8080 })
 * ```
 */
export const millracePlugin = fastifyPlugin(plugin, {
  name: "millrace",
  fastify: "5.x",
  encapsulate: true,
})

export default millracePlugin
