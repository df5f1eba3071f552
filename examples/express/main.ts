import { expressHandler } from "@millrace/express"
import { Millrace } from "@millrace/node"
import express from "express"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const app = express()
// Before body parsers. A prefix works too: app.use("/events", ...)
app.use(expressHandler(millrace))
app.get("/", (_req, res) => void res.send("Your own routes stay yours."))

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, (error) => {
  if (error) throw error // the port is taken, for one
  console.log(`listening on port ${port}`)
})

process.once("SIGTERM", async () => {
  server.close()
  await millrace.close() // sends what is pending
})
