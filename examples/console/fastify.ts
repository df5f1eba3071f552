import { fastifyConsole } from "@millrace/console"
import { millracePlugin } from "@millrace/fastify"
import { Millrace } from "@millrace/node"
import Fastify from "fastify"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const app = Fastify({ forceCloseConnections: true })
app.register(millracePlugin, { ingest: millrace })
app.register(fastifyConsole, { millrace, adminToken: process.env.ADMIN_TOKEN, prefix: "/console" })

const port = Number(process.env.PORT ?? 8080)
await app.listen({ port })
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await app.close()
  await millrace.close() // sends what is pending
})
