import { expressHandler } from "@millrace/express"
import { Millrace } from "@millrace/node"
import { statsig } from "@millrace/statsig"
import express from "express"

// Statsig itself, unless somebody stands in for it.
const { STATSIG_URL: url } = process.env
const upstream = url === undefined ? true : { events: url, api: url, cdn: url }

const millrace = await Millrace.make({
  keys: { server: ["secret-example"], client: ["client-example"] }, // those of your Statsig project
  extensions: [statsig({ upstream, passThrough: true, relay: true })],
  paths: { log_event: ["/v1/my-product-data"], initialize: ["/v1/my-start"] }, // unknown to ad blockers
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const app = express()
app.use(expressHandler(millrace))

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, (error) => {
  if (error) throw error // the port is taken, for one
  console.log(`listening on port ${port}`)
})

process.once("SIGTERM", async () => {
  server.close()
  await millrace.close() // sends what is pending
})
