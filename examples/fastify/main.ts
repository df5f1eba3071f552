import { millracePlugin } from "@millrace/fastify"
import { Millrace } from "@millrace/node"
import Fastify from "fastify"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const app = Fastify()
// A prefix works too: { ingest: millrace, prefix: "/events" }
app.register(millracePlugin, { ingest: millrace })
app.get("/", () => "Your own routes stay yours.")

const port = Number(process.env.PORT ?? 8080)
await app.listen({ port })
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await app.close()
  await millrace.close() // sends what is pending
})
