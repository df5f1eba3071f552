import { consoleHandler } from "@millrace/console"
import { expressHandler } from "@millrace/express"
import { Millrace } from "@millrace/node"
import express from "express"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const app = express()
app.use(expressHandler(millrace))
// Without a token there is no console, and all of it is a 404.
app.use("/console", consoleHandler(millrace, { adminToken: process.env.ADMIN_TOKEN }))

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, (error) => {
  if (error) throw error // the port is taken, for one
  console.log(`listening on port ${port}`)
})

process.once("SIGTERM", async () => {
  server.close()
  await millrace.close() // ends what the console's pages are being told, and sends what is pending
})
