import { createHmac } from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { expressHandler } from "@millrace/express"
import { Millrace } from "@millrace/node"
import express, { type Express } from "express"
import { afterEach, describe, expect, it } from "vitest"

const secret = "webhook-1"
const key = { "statsig-api-key": "secret-1" }
const json = { "content-type": "application/json" }
const form = { "content-type": "application/x-www-form-urlencoded" }

/** As clouds' runtimes and frameworks keep the bytes beside what they have parsed. */
const verify = (req: object, _res: unknown, rawBody: Buffer): void => void Object.assign(req, { rawBody })

const logged: Array<string> = []
let stop: () => Promise<void> = async () => {}
afterEach(async () => {
  await stop()
  logged.length = 0
})

/** What Millrace answers behind the host's own middlewares. */
const serve = async (before: (app: Express) => void) => {
  const millrace = await Millrace.make({
    keys: { server: ["secret-1"] },
    receive: { statsigSecret: secret },
    log: ({ message }) => void logged.push(message),
  })
  const app = express()
  before(app)
  const server = app.use(expressHandler(millrace)).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await millrace.close()
  }
  const { port } = server.address() as AddressInfo
  return async (path: string, headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body })
    return [reply.status, await reply.text()] as const
  }
}

const sent = () => {
  const time = Date.now()
  const body = JSON.stringify({ events: [{ eventName: "curl", user: { userID: "u" }, time }] })
  return { body, headers: { ...key, "statsig-client-time": String(time) } }
}
const accepted = [202, '{"success":true}']

/** A space and `1.0`, which no parser keeps. */
const signed = () => {
  const at = String(Date.now())
  const body = `[{"eventName":"signed","user":{},"timestamp":${at},"value":"","metadata":{"a": 1.0}}]`
  const signature = createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex")
  const headers = {
    ...json,
    "x-statsig-request-timestamp": at,
    "x-statsig-signature": `v0=${signature}`,
  }
  return { body, headers }
}

describe("a host that keeps rawBody beside what it has parsed", () => {
  const keeping = (app: Express) =>
    void app.use(express.json({ verify }), express.urlencoded({ extended: true, verify }))

  it("has signatures that hold: what is signed are the bytes", async () => {
    const post = await serve(keeping)
    const { body, headers } = signed()
    expect(await post("/v1/webhooks/event_webhook", headers, body)).toEqual(accepted)
    expect(logged).toEqual([])
  })

  it("has JSON that its parser of forms has read as a form", async () => {
    const post = await serve(keeping)
    const { body, headers } = sent()
    expect(await post("/v1/log_event", { ...headers, ...form }, body)).toEqual(accepted)
  })
})

describe("a host that keeps nothing but what it has parsed", () => {
  it.each([true, false])("says that a parser of forms ran first, extended %s", async (extended) => {
    const post = await serve((app) => void app.use(express.urlencoded({ extended })))
    const { body, headers } = sent()
    const [status, text] = await post("/v1/log_event", { ...headers, ...form }, body)
    expect(status).toBe(400)
    expect(text).toContain("a form parser (express.urlencoded, say) ran first: mount Millrace before it")
  })

  it("hands on JSON under a form's type that its JSON parser has read", async () => {
    const post = await serve((app) => void app.use(express.json({ type: () => true })))
    const { body, headers } = sent()
    expect(await post("/v1/log_event", { ...headers, ...form }, body)).toEqual(accepted)
  })

  it.each(["json", "text", "raw", "urlencoded"] as const)(
    "sees an empty body behind %s()",
    async (parser) => {
      const post = await serve((app) => void app.use(express[parser]({ type: () => true })))
      const [status, text] = await post("/v1/log_event", { ...sent().headers, ...json }, "")
      expect([status, text]).toEqual([400, '{"message":"body: not JSON","status":400}'])
    },
  )

  it("is told of a body of null as of any other that holds no events", async () => {
    const post = await serve((app) => void app.use(express.json({ strict: false })))
    const [status] = await post("/v1/log_event", { ...sent().headers, ...json }, "null")
    expect(status).toBe(400)
  })

  it("is told once that what its parser refuses never arrives, and the parser answers that itself", async () => {
    const post = await serve((app) => void app.use(express.json()))
    const { body, headers } = sent()
    for (let n = 0; n < 2; n++)
      expect(await post("/v1/log_event", { ...headers, ...json }, body)).toEqual(accepted)
    expect(logged).toEqual([expect.stringContaining("a body parser of the host runs before Millrace")])
    const [large] = await post("/v1/log_event", { ...headers, ...json }, body + " ".repeat(200_000))
    const [coded] = await post("/v1/log_event", { ...headers, ...json, "content-encoding": "compress" }, body)
    expect([large, coded]).toEqual([413, 415])
  })

  it("is told that its parser has read compressed bytes as text", async () => {
    const post = await serve((app) => void app.use(express.text({ type: () => true })))
    const { body, headers } = sent()
    const [status, text] = await post("/v1/log_event?gz=1", headers, gzipSync(body))
    expect(status).toBe(400)
    expect(text).toContain("compressed bytes that were read as text")
  })
})

describe("a request that a middleware has touched is read where it", () => {
  type Touch = (req: IncomingMessage, next: () => void) => void
  const middlewares: ReadonlyArray<readonly [name: string, touch: Touch]> = [
    [
      "paused it",
      (req, next) => {
        req.pause()
        setImmediate(next)
      },
    ],
    [
      "looks at its bytes as they come",
      (req, next) => {
        req.on("data", () => {})
        next()
      },
    ],
    [
      "waits for it to become readable, and goes on at once",
      (req, next) => {
        req.on("readable", () => {})
        next()
      },
    ],
    [
      "waits for it to become readable, and goes on when it is",
      (req, next) => {
        req.once("readable", () => {
          req.on("readable", () => {})
          setImmediate(next)
        })
      },
    ],
    [
      "has set an encoding",
      (req, next) => {
        req.setEncoding("latin1")
        next()
      },
    ],
  ]

  it.each(middlewares)("%s", async (_, touch) => {
    const post = await serve((app) => app.use((req, _res, next) => touch(req, next)))
    const { body, headers } = sent()
    // More than a stream holds by itself.
    const large = JSON.stringify({ ...JSON.parse(body), pad: "ü".repeat(200_000) })
    expect(await post("/v1/log_event", headers, large)).toEqual(accepted)
    expect(await post("/v1/log_event", headers, gzipSync(large))).toEqual(accepted)
    // Nobody wants this one, and the connection lives on.
    const [status] = await post("/v1/log_event", { ...headers, "statsig-api-key": "wrong" }, large)
    expect(status).toBe(401)
    expect(await post("/v1/log_event", headers, body)).toEqual(accepted)
  })
})

it("a path of the user's own is one of Millrace's, wherever it is mounted", async () => {
  const millrace = await Millrace.make({
    keys: { server: ["secret-1"] },
    paths: { log_event: ["/api/proxy/search"] },
  })
  const handler = expressHandler(millrace)
  const app = express()
    .use("/api/proxy/search", handler)
    .use("/events", handler)
    .post("/search", (_req, res) => void res.send("the host's"))
  const server = app.listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await millrace.close()
  }
  const { port } = server.address() as AddressInfo
  const { body, headers } = sent()
  const paths = ["/api/proxy/search", "/api/proxy/search/", "/events/api/proxy/search", "/search"]
  const replies = paths.map(async (path) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}?st=own`, { method: "POST", headers, body })
    return reply.text()
  })
  const [, success] = accepted
  expect(await Promise.all(replies)).toEqual([success, success, success, "the host's"])
})
