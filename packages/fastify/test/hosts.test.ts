import { gzipSync } from "node:zlib"
import compress from "@fastify/compress"
import millrace from "@millrace/fastify"
import { Millrace } from "@millrace/node"
import Fastify, { type FastifyInstance } from "fastify"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

describe("behind @fastify/compress, with nothing configured", () => {
  let app: FastifyInstance
  beforeEach(async () => {
    const ingest = await Millrace.make({ keys: { server: ["secret-1"] } })
    app = Fastify()
    await app.register(compress)
    app.register(millrace, { ingest })
    app.addHook("onClose", () => ingest.close())
    app.post("/own", async (request) => ({ got: request.body }))
  })
  afterEach(() => app.close())

  /** A frame of one uncompressed block (RFC 8878), which needs no encoder. */
  const zstd = (data: Buffer): Buffer => {
    const block = (data.length << 3) | 1
    const size = [data.length & 255, (data.length >> 8) & 255, 0, 0]
    return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...size, block & 255, (block >> 8) & 255, 0, ...data])
  }

  const post = (coding: string | null, payload: Buffer, url = "/v1/log_event") =>
    app.inject({
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        "statsig-api-key": "secret-1",
        "statsig-client-time": String(Date.now()),
        ...(coding === null ? {} : { "content-encoding": coding }),
      },
      payload,
    })

  const body = () =>
    Buffer.from(
      JSON.stringify({
        events: [{ eventName: "e", user: { userID: "u" }, time: Date.now() }],
        statsigMetadata: { sdkType: "statsig-node" },
      }),
    )

  it.each([
    ["plain JSON", null, (bytes: Buffer) => bytes],
    ["gzip", "gzip", gzipSync],
    ["zstd", "zstd", zstd],
  ] as const)("%s arrives", async (_, coding, encode) => {
    const reply = await post(coding, encode(body()))
    expect([reply.statusCode, reply.json()]).toEqual([202, { success: true }])
  })

  it("a gzip that is none says so", async () => {
    const reply = await post("gzip", Buffer.from("no gzip"))
    expect(reply.json()).toEqual({
      message: "body: not what its content-encoding or its first bytes say it is",
      status: 400,
    })
  })

  it("the plugin still inflates what is the host's", async () => {
    const reply = await post("gzip", gzipSync('{"a":1}'), "/own")
    expect(reply.json()).toEqual({ got: { a: 1 } })
  })
})

describe("a path of the user's own", () => {
  const own = ["/api/proxy/search"]
  const start = async (prefix: string, before: (app: FastifyInstance) => unknown = () => {}) => {
    const ingest = await Millrace.make({ keys: { server: ["secret-1"] }, paths: { log_event: own } })
    const app = Fastify()
    before(app)
    app.register(millrace, { ingest, prefix })
    app.addHook("onClose", () => ingest.close())
    return app
  }
  const post = async (app: FastifyInstance, url: string) => {
    const payload = { events: [{ eventName: "e", user: { userID: "u" }, time: Date.now() }] }
    const headers = { "statsig-api-key": "secret-1", "statsig-sdk-type": "own" }
    return (await app.inject({ method: "POST", url, headers, payload })).statusCode
  }

  it.each([
    ["", ["/api/proxy/search", "/v1/log_event"]],
    ["/events", ["/events/api/proxy/search", "/events/v1/log_event"]],
    ["/api/proxy/search", ["/api/proxy/search", "/api/proxy/search/"]],
  ])("is one of Millrace's, with prefix %j", async (prefix, urls) => {
    const app = await start(prefix)
    expect(await Promise.all(urls.map((url) => post(app, url)))).toEqual([202, 202])
    expect(await post(app, "/search")).toBe(404)
    await app.close()
  })

  it("comes before a parametric route of the host's", async () => {
    const app = await start("", (before) => before.post("/api/proxy/:name", () => "the host's"))
    expect(await post(app, "/api/proxy/search")).toBe(202)
    expect(await post(app, "/api/proxy/other")).toBe(200)
    await app.close()
  })
})
