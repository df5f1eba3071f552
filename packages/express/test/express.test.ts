import type { AddressInfo } from "node:net"
import { expressHandler } from "@millrace/express"
import { type Ingest, Millrace } from "@millrace/node"
import * as Effect from "effect/Effect"
import express, { type Express } from "express"
import { afterEach, describe, expect, it } from "vitest"

const ingest: Ingest = {
  matches: (url) => /\/(log_event|rgstr)\/*(\?.*)?$/.test(url),
  handle: async ({ url }) => ({
    status: 202,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ url }),
  }),
}

describe("expressHandler", () => {
  let stop: (() => Promise<void>) | undefined
  afterEach(() => stop?.())

  const serve = async (app: Express) => {
    const server = app.listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    stop = () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
    const { port } = server.address() as AddressInfo
    return async (path: string) => {
      const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: "{}" })
      return { status: reply.status, body: await reply.text() }
    }
  }

  it("can be mounted on a path of Millrace's own", async () => {
    const post = await serve(express().use("/v1/log_event", expressHandler(ingest)))
    expect(await post("/v1/log_event?k=1")).toEqual({ status: 202, body: '{"url":"/v1/log_event?k=1"}' })
  })

  it("routes by the URL a middleware has rewritten", async () => {
    const app = express()
    app.use((req, _res, next) => {
      if (req.url === "/track") req.url = "/v1/rgstr"
      next()
    })
    const post = await serve(app.use(expressHandler(ingest)))
    expect(await post("/track")).toEqual({ status: 202, body: '{"url":"/v1/rgstr"}' })
  })

  it("gives defects to the host's error handler", async () => {
    const app = express().use(
      expressHandler({ ...ingest, handle: () => Promise.reject(new Error("defect")) }),
    )
    const onError: express.ErrorRequestHandler = (error, _req, res, _next) =>
      void res.status(500).send(`handled: ${error.message}`)
    const post = await serve(app.use(onError))
    expect(await post("/v1/rgstr")).toEqual({ status: 500, body: "handled: defect" })
  })

  it("answers routes of an extension, and leaves the rest to the host", async () => {
    const routes = Effect.succeed([
      {
        ...{ name: "initialize", paths: ["initialize", "files/*.json"], browsers: true, maxBytes: 10 },
        methods: ["POST"] as const,
        begin:
          ({ path }: { readonly path: string }) =>
          () =>
            Effect.succeed({ status: 200, body: path }),
      },
    ])
    const millrace = await Millrace.make({ keys: "none", extensions: [{ routes }] })
    try {
      const app = express().use("/prefix", expressHandler(millrace))
      app.use((_req, res) => void res.status(404).send("the host's"))
      const post = await serve(app)
      expect(await post("/prefix/v1/initialize?k=1")).toEqual({ status: 200, body: "/prefix/v1/initialize" })
      expect(await post("/prefix/v2/files/a.json")).toEqual({ status: 200, body: "/prefix/v2/files/a.json" })
      expect(await post("/prefix/v2/files/a.txt")).toEqual({ status: 404, body: "the host's" })
    } finally {
      await millrace.close()
    }
  })
})
