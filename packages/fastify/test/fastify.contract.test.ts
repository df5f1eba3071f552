import { once } from "node:events"
import millrace from "@millrace/fastify"
import { adapterContract, hostNotFound } from "@millrace/testkit/vitest"
import Fastify from "fastify"

adapterContract("fastify", async (ingest, { prefix, bodyParser, allowOrigin, consume, body }) => {
  const app = Fastify()
  if (allowOrigin !== undefined)
    app.addHook("onRequest", (_request, reply, next) => {
      reply.header("access-control-allow-origin", allowOrigin)
      next()
    })
  if (consume)
    app.addHook("preParsing", async (_request, _reply, payload) => {
      await once(payload.resume(), "end")
      return payload
    })
  // Fastify parses JSON by itself; with `bodyParser` it parses all the rest as well.
  if (bodyParser)
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, bytes, done) => done(null, bytes))
  app.register(millrace, { ingest, ...(prefix === undefined ? {} : { prefix }), ...body })
  app.post("/mine", async (request) => request.body)
  app.post<{ Params: { name: string } }>("/v1/:name", async (request) => request.params.name)
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(hostNotFound))

  const url = await app.listen({ port: 0, host: "127.0.0.1" })
  return { url, close: () => app.close() }
})
