import { createGunzip, gzipSync } from "node:zlib"
import millrace, { millracePlugin } from "@millrace/fastify"
import { type Ingest, Millrace } from "@millrace/node"
import * as Effect from "effect/Effect"
import Fastify, { type FastifyInstance } from "fastify"
import { afterEach, describe, expect, it } from "vitest"

const json = { "content-type": "application/json" }
const text = { "content-type": "text/plain" }

/** Says what it was given. */
const ingest: Ingest = {
  matches: (url) => /\/(log_event|rgstr|webhooks\/event_webhook)\/*(\?.*)?$/.test(url),
  handle: async ({ url, headers, body }) => {
    const { bytes, inflated } = await Effect.runPromise(body(1_000_000))
    const content = Buffer.from(bytes).toString()
    return {
      status: 202,
      headers: json,
      body: JSON.stringify({ url, content, inflated, type: headers["content-type"] }),
    }
  },
}

describe("millracePlugin", () => {
  let app: FastifyInstance
  afterEach(() => app.close())

  const post = (url: string, payload: string | Buffer = "x", headers: Record<string, string> = text) =>
    app.inject({ method: "POST", url, payload, headers })

  it("is the default export too", () => {
    app = Fastify()
    expect(millrace).toBe(millracePlugin)
  })

  it.each(["before", "after"])("lives with the host's own wildcards, registered %s it", async (when) => {
    app = Fastify()
    const wildcards = () => {
      app.register(async (scope) => {
        scope.all("/*", async () => "the host's wildcard")
        scope.options("*", { constraints: { host: "other.example" } }, async () => "")
      })
    }
    if (when === "before") wildcards()
    app.register(millrace, { ingest })
    if (when === "after") wildcards()
    expect((await post("/a/b/rgstr")).statusCode).toBe(202)
    expect((await post("/v1/log_event")).statusCode).toBe(202)
    expect((await post("/elsewhere")).body).toBe("the host's wildcard")
  })

  it("is not shadowed by parametric routes of the host's", async () => {
    app = Fastify()
    app.post("/:version/:name", async () => "parametric")
    app.register(millrace, { ingest })
    expect((await post("/v1/log_event")).statusCode).toBe(202)
    expect((await post("/v1/other")).body).toBe("parametric")
  })

  it("can be registered more than once", async () => {
    app = Fastify()
    app.register(millrace, { ingest, prefix: "/a" })
    app.register(millrace, { ingest, prefix: "/b" })
    expect((await post("/a/v1/rgstr")).statusCode).toBe(202)
    expect((await post("/b/x/rgstr")).statusCode).toBe(202)
    expect((await post("/rgstr")).statusCode).toBe(404)
  })

  it("takes bodies over Fastify's own limit", async () => {
    app = Fastify({ bodyLimit: 10 })
    app.register(millrace, { ingest })
    expect((await post("/v1/rgstr", "x".repeat(11))).json().content).toHaveLength(11)
  })

  it("answers what tests inject, also without reading it", async () => {
    app = Fastify()
    const refused = { status: 401, headers: json, body: '{"message":"no","status":401}' }
    app.register(millrace, { ingest: { ...ingest, handle: async () => refused } })
    const reply = await post("/v1/rgstr", "x".repeat(100_000))
    expect([reply.statusCode, reply.body]).toEqual([401, refused.body])
  })

  it("reads what a preParsing hook has inflated, and says so", async () => {
    app = Fastify()
    app.addHook("preParsing", async (_request, _reply, payload) => payload.pipe(createGunzip()))
    app.register(millrace, { ingest })
    const reply = await post("/v1/rgstr", gzipSync("inflated"), { "content-encoding": "gzip" })
    expect(reply.json()).toMatchObject({ content: "inflated", inflated: true })
  })

  it("runs the host's hooks, and leaves defects to its error handler", async () => {
    app = Fastify()
    const seen: Array<string> = []
    app.addHook("onRequest", async (request) => void seen.push(request.url))
    app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`handled: ${error.message}`))
    app.register(millrace, { ingest: { ...ingest, handle: () => Promise.reject(new Error("defect")) } })
    expect((await post("/v1/rgstr")).body).toBe("handled: defect")
    expect(seen).toEqual(["/v1/rgstr"])
  })

  it("routes by the URL a host has rewritten", async () => {
    app = Fastify({ rewriteUrl: (req) => (req.url === "/track" ? "/v1/rgstr" : req.url!) })
    app.register(millrace, { ingest })
    expect((await post("/track")).json().url).toBe("/v1/rgstr")
  })

  it("does not reach into the host: its parsers see content types as before", async () => {
    app = Fastify()
    app.addContentTypeParser("application/x-mine", { parseAs: "string" }, (_request, text, done) =>
      done(null, text),
    )
    app.register(millrace, { ingest })
    app.post("/mine", async (request) => request.body)
    expect((await post("/mine", "mine", { "content-type": "application/x-mine" })).body).toBe("mine")
    expect((await post("/mine", "mine", { "content-type": "application/x-other" })).statusCode).toBe(415)
  })

  describe("with routes of an extension", () => {
    const started: Array<Millrace.Millrace> = []
    afterEach(async () => {
      for (const one of started.splice(0)) await one.close()
    })

    const extended = async () => {
      const routes = Effect.succeed([
        {
          ...{ name: "initialize", paths: ["initialize", "files/*.json"], browsers: true, maxBytes: 10 },
          methods: ["GET", "POST"] as const,
          begin:
            ({ path }: { readonly path: string }) =>
            () =>
              Effect.succeed({ status: 200, body: Uint8Array.of(path.length, 0, 255) }),
        },
      ])
      const made = await Millrace.make({
        keys: "none",
        extensions: [{ routes }],
        paths: { initialize: ["/mine"] },
      })
      started.push(made)
      return made
    }

    it.each(["", "/prefix"])("answers them, and nothing of the host's, under %j", async (prefix) => {
      app = Fastify()
      app.register(millrace, { ingest: await extended(), ...(prefix === "" ? {} : { prefix }) })
      app.get("/v1/files", async () => "the host's")
      app.get("/:version/:name", async () => "parametric")
      for (const url of ["/v1/initialize", "/initialize?k=1", "/v2/files/secret.json", "/mine"]) {
        const reply = await app.inject({ method: "GET", url: prefix + url })
        const path = prefix + url.split("?")[0]
        expect([url, reply.statusCode, [...reply.rawPayload]]).toEqual([url, 200, [path.length, 0, 255]])
      }
      expect((await app.inject({ method: "PUT", url: `${prefix}/v1/initialize` })).statusCode).toBe(405)
      expect((await app.inject({ method: "GET", url: "/v1/files" })).body).toBe("the host's")
    })
  })
})
