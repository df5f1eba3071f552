import { createServer } from "node:http"
import { join } from "node:path"
import { Store } from "@millrace/core"
import { Millrace, nodeHandler, Otlp } from "@millrace/node"
import { key } from "../requests.ts"
import { type Contestant, listen, portOf } from "./Contestant.ts"

// Each loads what it needs, and nothing else: its memory is measured, too.

const stores = {
  "memory:": async () => Store.layerMemory(),
  "sqlite:": async (directory: string) => {
    const Sqlite = await import("@millrace/store-sqlite")
    return Sqlite.layer({ path: join(directory, "events.db") })
  },
}

export type StoreName = keyof typeof stores

const hosts = {
  node: async (millrace: Millrace.Millrace) => listen(createServer(nodeHandler(millrace))),
  express: async (millrace: Millrace.Millrace) => {
    const { default: express } = await import("express")
    const { expressHandler } = await import("@millrace/express")
    const app = express()
    app.use(expressHandler(millrace))
    return listen(createServer(app))
  },
  fastify: async (millrace: Millrace.Millrace) => {
    const { default: Fastify } = await import("fastify")
    const { millracePlugin } = await import("@millrace/fastify")
    const app = Fastify()
    app.register(millracePlugin, { ingest: millrace })
    await app.listen({ port: 0, host: "127.0.0.1" })
    return { port: portOf(app.server) }
  },
}

const hostNames = { node: "node:http", express: "Express", fastify: "Fastify" }

export const millrace = (host: keyof typeof hosts, store: StoreName): Contestant => ({
  description: `Millrace on ${hostNames[host]}, ${store === "memory:" ? "memory store" : "SQLite store, WAL, synchronous=FULL"}`,
  durability: store === "memory:" ? "memory" : "disk",
  start: async (directory, { destinations = [], client = {}, otlp }) => {
    const running = await Millrace.make({
      keys: { server: [key] },
      client,
      hashKey: Buffer.alloc(32, key),
      store: await stores[store](directory),
      destinations,
      allowPrivateDestinations: true,
      ...(otlp === undefined ? {} : { tracing: Otlp.layer(otlp) }),
      // Each contestant has its process to itself, as `millrace serve` does.
      collectYoungMemory: true,
    })
    const { port } = await hosts[host](running)
    return {
      port,
      pending: async () => (await running.destinations()).reduce((sum, row) => sum + row.pending, 0),
    }
  },
})
