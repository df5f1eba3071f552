import { Millrace, nodeHandler } from "@millrace/node"
import Koa from "koa"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const events = nodeHandler(millrace)
const app = new Koa()
// Before body parsers.
app.use((ctx, next) => {
  if (!millrace.matches(ctx.url)) return next()
  ctx.respond = false // Millrace writes the reply itself
  events(ctx.req, ctx.res)
})
app.use((ctx) => {
  ctx.body = "Your own routes stay yours."
})

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, () => console.log(`listening on port ${port}`))

process.once("SIGTERM", async () => {
  server.close()
  await millrace.close() // sends what is pending
})
