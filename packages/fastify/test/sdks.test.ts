import { PassThrough } from "node:stream"
import compress from "@fastify/compress"
import cors from "@fastify/cors"
import helmet from "@fastify/helmet"
import multipart from "@fastify/multipart"
import { millracePlugin } from "@millrace/fastify"
import { type HostOptions, hostContract } from "@millrace/test-sdks"
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify"
import rawBody from "fastify-raw-body"

const host = (
  name: string,
  before: (app: FastifyInstance) => unknown,
  { server, prefix, ...options }: HostOptions & { server?: FastifyServerOptions; prefix?: string } = {},
) =>
  hostContract(
    name,
    async (ingest) => {
      const app = Fastify(server ?? {})
      await before(app)
      app.register(millracePlugin, { ingest, ...(prefix === undefined ? {} : { prefix }) })
      app.post("/own", async (request) => ({ got: request.body }))
      const url = await app.listen({ port: 0, host: "127.0.0.1" })
      return {
        url: `${url}${prefix ?? ""}`,
        close: async () => {
          app.server.closeAllConnections()
          await app.close()
        },
      }
    },
    options,
  )

host("Fastify", () => {})

host("Fastify behind @fastify/compress", (app) => app.register(compress))

host("Fastify behind compress, cors, helmet and multipart", async (app) => {
  await app.register(compress, { threshold: 0 })
  await app.register(cors, { origin: true, credentials: true })
  await app.register(helmet)
  await app.register(multipart, { attachFieldsToBody: true })
})

host(
  "Fastify with parsers of its own, a small limit and a prefix",
  (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    )
    app.addContentTypeParser(/^text\//, { parseAs: "string" }, (_request, body, done) => done(null, body))
    app.addContentTypeParser("*", (_request, _payload, done) => done(null))
  },
  { server: { bodyLimit: 1_000 }, prefix: "/api/events" },
)

host("Fastify with fastify-raw-body for every route", (app) =>
  app.register(rawBody, { global: true, runFirst: true, encoding: false }),
)

host("Fastify with hooks that wait, and put a stream of their own in the request's place", (app) => {
  app.addHook("onRequest", () => new Promise((resolve) => setTimeout(resolve, 5)))
  app.addHook("preParsing", async (_request, _reply, payload) => payload.pipe(new PassThrough()))
  app.addHook("onSend", async (_request, _reply, payload) => payload)
})
