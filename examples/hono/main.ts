import { type HttpBindings, serve } from "@hono/node-server"
import { Millrace } from "@millrace/node"
import { webHandler } from "@millrace/web"
import { Hono } from "hono"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const events = webHandler(millrace, {
  address: (_request, { incoming }: HttpBindings) => incoming.socket.remoteAddress,
})
const app = new Hono<{ Bindings: HttpBindings }>()
// Before middleware that reads bodies. Below a prefix, too: /events/v1/log_event
app.use((c, next) => (millrace.matches(c.req.url) ? events(c.req.raw, c.env) : next()))
app.get("/", (c) => c.text("Your own routes stay yours."))

const port = Number(process.env.PORT ?? 8080)
const server = serve({ fetch: app.fetch, port }, () => console.log(`listening on port ${port}`))

process.once("SIGTERM", async () => {
  server.close()
  await millrace.close() // sends what is pending
})
