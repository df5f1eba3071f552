import type { Server } from "node:http"
import { type HttpBindings, serve } from "@hono/node-server"
import { adapterContract, hostNotFound } from "@millrace/testkit/vitest"
import { webHandler } from "@millrace/web"
import { Hono } from "hono"
import { serveOnNode } from "./support/nodeBridge.ts"

/** What a parser of the host's does that leaves the request to others. */
const parse = async (request: Request): Promise<void> => {
  if (request.headers.get("content-type") === "application/json" && !request.headers.has("content-encoding"))
    await request.clone().json()
}

adapterContract(
  "Request to Response",
  async (ingest, { prefix = "", bodyParser, allowOrigin, consume, body }) => {
    const mine = async (request: Request, path: string): Promise<Response> => {
      if (request.method === "POST" && path === "/mine") return Response.json(await request.json())
      const name = /^\/v1\/([^/]+)$/.exec(path)?.[1]
      return request.method === "POST" && name !== undefined
        ? new Response(name)
        : new Response(hostNotFound, { status: 404 })
    }
    const events = webHandler(ingest, {
      ...body,
      cors: allowOrigin === undefined,
      address: (_request, peer: string | undefined) => peer,
      fallback: (request) => mine(request, new URL(request.url).pathname),
    })
    return serveOnNode(async (request, peer) => {
      if (consume) await request.arrayBuffer()
      if (bodyParser) await parse(request)
      const { pathname } = new URL(request.url)
      const response = await (pathname.startsWith(prefix) ? events(request, peer) : mine(request, pathname))
      if (allowOrigin !== undefined) response.headers.set("access-control-allow-origin", allowOrigin)
      return response
    })
  },
)

adapterContract("Hono", async (ingest, { prefix = "", bodyParser, allowOrigin, consume, body }) => {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const events = webHandler(ingest, {
    ...body,
    cors: allowOrigin === undefined,
    address: (_request, { incoming }: HttpBindings) => incoming.socket.remoteAddress,
  })
  app.use(async (c, next) => {
    if (consume) await c.req.raw.arrayBuffer()
    if (bodyParser) await parse(c.req.raw)
    await next()
    if (allowOrigin !== undefined) c.header("access-control-allow-origin", allowOrigin)
  })
  app.use(`${prefix}/*`, (c, next) => (ingest.matches(c.req.url) ? events(c.req.raw, c.env) : next()))
  app.post("/mine", async (c) => c.json(await c.req.json()))
  app.post("/v1/:name", (c) => c.text(c.req.param("name")))
  app.notFound((c) => c.text(hostNotFound, 404))
  app.onError((_error, c) => c.text("a defect of the host's", 500))

  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => new Promise<void>((closed) => void (server as Server).close(() => closed())),
      }),
    )
  })
})
