import { consoleHandler, fastifyConsole } from "@millrace/console"
import express from "express"
import Fastify from "fastify"
import helmet from "helmet"
import { describe, expect, onTestFinished, test } from "vitest"
import { adminToken, ask, listen, makeMillrace, makePage, signIn } from "./support/hosts.ts"

type Millrace = Awaited<ReturnType<typeof makeMillrace>>

const options = () => ({ adminToken, page: makePage() })

const inExpress = async (millrace: Millrace) => {
  const app = express()
  app.use(helmet())
  // A host that lets every origin in means its own routes.
  app.use((_req, res, next) => {
    res.set("access-control-allow-origin", "*")
    next()
  })
  const router = express.Router()
  router.use("/console", consoleHandler(millrace, options()))
  app.use("/tools", router)
  app.get("/", (_req, res) => void res.send("mine"))
  return listen(app as never)
}

const inExpressBehindParsers = async (millrace: Millrace) => {
  const app = express()
  app.use(express.json())
  app.use("/tools/console", consoleHandler(millrace, options()))
  app.get("/", (_req, res) => void res.send("mine"))
  return listen(app as never)
}

const inNode = async (millrace: Millrace) => {
  const handler = consoleHandler(millrace, { ...options(), path: "/tools/console" })
  return listen((req, res) => handler(req, res, () => void res.end("mine")))
}

const inFastify = async (millrace: Millrace) => {
  const app = Fastify()
  app.register(
    (tools, _options, done) => {
      tools.register(fastifyConsole, { millrace, ...options(), prefix: "/console" })
      done()
    },
    { prefix: "/tools" },
  )
  app.get("/", () => "mine")
  app.post("/", (request) => request.body)
  onTestFinished(() => app.close())
  return Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port)
}

const hosts = {
  "Express, under helmet": inExpress,
  "Express, behind a body parser": inExpressBehindParsers,
  "plain Node": inNode,
  Fastify: inFastify,
}

describe.each(Object.entries(hosts))("in %s, below a prefix", (_, mount) => {
  const start = async () => mount(await makeMillrace())
  const base = "/tools/console"

  test("somebody signs in, asks and signs out", async () => {
    const port = await start()
    const list = (headers = {}) =>
      ask(port, { path: `${base}/admin/v1/destinations/list`, body: {}, headers })
    expect(await list()).toMatchObject({ status: 401 })
    const signedIn = await ask(port, {
      path: `${base}/admin/v1/console/sign-in`,
      body: { token: adminToken },
    })
    expect(signedIn.headers["set-cookie"]![0]).toContain("; Path=/tools/console/;")
    const cookie = await signIn(port, base)
    expect(await list({ cookie })).toMatchObject({ status: 200, json: { destinations: [] } })
    const out = { path: `${base}/admin/v1/console/sign-out`, body: {}, headers: { cookie } }
    expect(await ask(port, out)).toMatchObject({ status: 200, json: {} })
    expect(await list({ cookie })).toMatchObject({ status: 401 })
  })

  test("the page is there, under its own policy, and the rest of the program stays", async () => {
    const port = await start()
    expect(await ask(port, { path: `${base}?x=1` })).toMatchObject({
      status: 308,
      headers: { location: "console/" },
    })
    const page = await ask(port, { path: `${base}/?x=1` })
    expect(page).toMatchObject({ status: 200, text: "<!doctype html><title>Console</title>" })
    expect(page.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self';.*'none'$/,
    )
    expect(page.headers).not.toHaveProperty("access-control-allow-origin")
    expect(await ask(port, { path: `${base}/assets/index-Ab3_x9Zq.js` })).toMatchObject({ status: 200 })
    expect(await ask(port, { path: "/" })).toMatchObject({ status: 200, text: "mine" })
    expect((await ask(port, { path: `${base}x` })).text).not.toContain("Console")
  })
})

test("Fastify's own parsers stay as they are, and its console is at /console without a prefix", async () => {
  const millrace = await makeMillrace()
  const app = Fastify()
  app.register(fastifyConsole, { millrace, ...options() })
  app.post("/echo", (request) => request.body)
  onTestFinished(() => app.close())
  const port = Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port)
  expect(await ask(port, { path: "/echo", body: { a: 1 } })).toMatchObject({ status: 200, json: { a: 1 } })
  expect(await ask(port, { path: "/console" })).toMatchObject({ status: 308 })
  expect(await ask(port, { path: "/console/" })).toMatchObject({ status: 200 })
})
