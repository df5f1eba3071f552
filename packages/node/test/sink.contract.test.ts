import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { webhook } from "@millrace/core/host"
import { Codec, Transport } from "@millrace/node"
import { type FarEndMood, type SinkFarEnd, sinkContract } from "@millrace/testkit/vitest"
import * as Layer from "effect/Layer"

const statuses: Partial<Record<FarEndMood, number>> = {
  takes: 200,
  "not now": 503,
  refuses: 400,
  "too large": 413,
  wrong: 401,
  gone: 410,
}

const secret = "s3cret"

/** A receiver of webhooks, in whose URL there is a secret. */
const farEnd = (compress: "gzip" | null) => async (): Promise<SinkFarEnd> => {
  let mood: FarEndMood = "takes"
  const kept: Array<string> = []
  let arrived = 0
  const answer = (res: ServerResponse, body: Buffer): void => {
    if (mood === "takes" || mood === "takes, says nothing")
      kept.push(String(compress === null ? body : gunzipSync(body)))
    if (mood === "silent") return
    if (mood === "takes, says nothing") return void res.destroy()
    res.writeHead(statuses[mood] ?? 500, { "retry-after": "7" }).end("no")
  }
  const server: Server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      arrived += 1
      answer(res, Buffer.concat(chunks))
    })
  })
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
    })
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const port = await listen(0)
  return {
    destination: { url: `http://user:${secret}@127.0.0.1:${port}/${secret}?key=${secret}`, compress },
    feel: async (next) => {
      if (next === "away") await stop()
      else if (!server.listening) await listen(port)
      mood = next
    },
    kept: async () => kept,
    arrived: () => arrived,
    secret,
    close: async () => {
      if (server.listening) await stop()
    },
  }
}

const services = Layer.mergeAll(Transport.layer({ allowPrivate: true }), Codec.layer)

sinkContract("webhook", { kind: webhook, services, farEnd: farEnd(null) })
sinkContract("webhook with gzip", { kind: webhook, services, farEnd: farEnd("gzip") })
