import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { Codec, Transport } from "@millrace/node"
import { type FarEndMood, type SinkFarEnd, sinkContract } from "@millrace/testkit/vitest"
import * as Layer from "effect/Layer"
import { relay } from "../src/relay.ts"

const statuses: Partial<Record<FarEndMood, number>> = {
  takes: 202,
  "not now": 503,
  refuses: 400,
  "too large": 413,
  wrong: 401,
}

const serverKey = "secret-s3cret"

/** Where Statsig would be: the port is found out before the kind is made. */
const { port, reserve } = await (async () => {
  const probe = createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => probe.once("listening", resolve))
  const found = (probe.address() as AddressInfo).port
  await new Promise((resolve) => probe.close(resolve))
  return { port: found, reserve: () => found }
})()

const farEnd = async (): Promise<SinkFarEnd> => {
  let mood: FarEndMood = "takes"
  let arrived = 0
  const kept: Array<string> = []
  const answer = (res: ServerResponse, body: Buffer): void => {
    if (mood === "takes" || mood === "takes, says nothing") kept.push(String(gunzipSync(body)))
    if (mood === "silent") return
    if (mood === "takes, says nothing") return void res.destroy()
    res.writeHead(statuses[mood] ?? 500, { "retry-after": "7" }).end('{"success":true}')
  }
  const server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      arrived += 1
      answer(res, Buffer.concat(chunks))
    })
  })
  const listen = () => new Promise<void>((resolve) => server.listen(reserve(), "127.0.0.1", resolve))
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  await listen()
  return {
    destination: { url: "statsig:" },
    feel: async (next) => {
      if (next === "away") await stop()
      else if (!server.listening) await listen()
      mood = next
    },
    kept: async () => kept,
    arrived: () => arrived,
    secret: serverKey,
    close: async () => {
      if (server.listening) await stop()
    },
  }
}

sinkContract("relay to Statsig", {
  kind: relay({ events: `http://127.0.0.1:${port}`, keys: [], serverKey }),
  services: Layer.mergeAll(Transport.layer({ allowPrivate: true }), Codec.layer),
  farEnd,
  cannot: ["gone"],
})
