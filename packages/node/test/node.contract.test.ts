import { createServer as createHttpServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { gunzipSync } from "node:zlib"
import { createServer, type Ingest, nodeHandler } from "@millrace/node"
import { type AdapterOptions, adapterContract, hostNotFound } from "@millrace/testkit/vitest"

/** A host without a framework: what one writes by hand around the handler. */
const host = (
  ingest: Ingest,
  events: RequestListener,
  { prefix = "", bodyParser, allowOrigin, consume }: AdapterOptions,
): RequestListener => {
  const respond: RequestListener = async (req, res) => {
    const path = (req.url ?? "/").split("?")[0]!
    if (allowOrigin !== undefined) res.setHeader("access-control-allow-origin", allowOrigin)
    if (consume) await buffer(req)
    if (bodyParser && req.headers["content-type"] === "application/json") {
      const bytes = await buffer(req)
      const text = req.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes
      Object.assign(req, { body: JSON.parse(text.toString()) })
    }
    if (path.startsWith(prefix) && ingest.matches(req.url ?? "/")) return events(req, res)
    if (req.method === "POST" && path === "/mine")
      return res.end(JSON.stringify(JSON.parse((await buffer(req)).toString())))
    const name = /^\/v1\/([^/]+)$/.exec(path)?.[1]
    if (req.method === "POST" && name !== undefined) return res.end(name)
    res.statusCode = 404
    res.end(hostNotFound)
  }
  return (req, res) => void respond(req, res)
}

adapterContract("node:http", async (ingest, options) => {
  const server = createHttpServer(host(ingest, nodeHandler(ingest, options.body), options))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
})

const wrapsOurs = ({ bodyParser, allowOrigin, consume }: AdapterOptions) =>
  bodyParser || allowOrigin || consume

adapterContract("createServer", async (ingest, options) => {
  const events = nodeHandler(ingest, options.body)
  const server = wrapsOurs(options)
    ? // Everything passes the host first, so nothing is ours to match.
      createServer({ ...ingest, matches: () => false }, { fallback: host(ingest, events, options) })
    : createServer(ingest, { ...options.body, fallback: host(ingest, events, options) })
  const { port } = await server.listen(0)
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
})
