import { createServer as createReceiver } from "node:http"
import type { AddressInfo } from "node:net"
import { Filter, Store } from "@millrace/core"
import { expressHandler } from "@millrace/express"
import millracePlugin from "@millrace/fastify"
import { createServer, Millrace } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import { testPipeline } from "@millrace/testkit"
import express from "express"
import Fastify from "fastify"

const names: Array<string> = []
const receiver = createReceiver(async (req, res) => {
  let text = ""
  for await (const chunk of req) text += chunk
  for (const event of JSON.parse(text)) names.push(event.eventName)
  res.end()
})
await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve))

const millrace = await Millrace.make({
  store: process.argv[2] === "memory" ? Store.layerMemory() : Sqlite.layer({ path: "./millrace.db" }),
  keys: { server: ["secret-consumer"] },
  destinations: [{ id: "receiver", url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` }],
  allowPrivateDestinations: true,
})

const server = createServer(millrace)
const { port } = await server.listen(0)
const app = express().use(expressHandler(millrace)).listen(0, "127.0.0.1")
await new Promise((resolve) => app.once("listening", resolve))
const fastify = Fastify()
fastify.register(millracePlugin, { ingest: millrace })
const addresses = [
  `http://127.0.0.1:${port}`,
  `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
  await fastify.listen({ port: 0, host: "127.0.0.1" }),
]

for (const [index, address] of addresses.entries()) {
  const reply = await fetch(`${address}/v1/webhooks/event_webhook`, {
    method: "POST",
    headers: { "statsig-api-key": "secret-consumer" },
    body: JSON.stringify({ user: { userID: "user_1" }, event: `event_${index}`, timestamp: Date.now() }),
  })
  if (reply.status !== 202) throw new Error(`${address} answered ${reply.status}: ${await reply.text()}`)
}

await Promise.all([server.close(), new Promise((resolve) => app.close(resolve)), fastify.close()])
const report = await millrace.close()
receiver.close()
if (!report.drained || names.join() !== "event_0,event_1,event_2") throw new Error(names.join())

const pipeline = await testPipeline({ destinations: [{ id: "warehouse", url: "https://warehouse.test/" }] })
await pipeline.log({ eventName: "page_view" })
await pipeline.advance("1 minute")
if (pipeline.receiver("warehouse").events.length !== 1) throw new Error("the test kit delivered nothing")
await pipeline.close()

// @ts-expect-error: types have to be there, and to say no
export const wrong = () => Filter.compile(1)
