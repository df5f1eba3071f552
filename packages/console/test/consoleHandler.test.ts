import { consoleHandler } from "@millrace/console"
import express from "express"
import helmet from "helmet"
import { describe, expect, test } from "vitest"
import { adminToken, ask, listen, makeMillrace, makePage, signIn } from "./support/hosts.ts"

describe("in Express, under helmet and a prefix", () => {
  const start = async () => {
    const millrace = await makeMillrace()
    const app = express()
    app.use(helmet())
    const router = express.Router()
    router.use("/console", consoleHandler(millrace, { adminToken, page: makePage() }))
    app.use("/tools", router)
    app.get("/", (_req, res) => void res.send("mine"))
    return { millrace, port: await listen(app as never) }
  }

  test("somebody signs in, asks and signs out", async () => {
    const { port } = await start()
    const list = (headers = {}) =>
      ask(port, { path: "/tools/console/admin/v1/destinations/list", body: {}, headers })
    expect(await list()).toMatchObject({ status: 401 })
    const cookie = await signIn(port, "/tools/console")
    expect(await list({ cookie })).toMatchObject({ status: 200, json: { destinations: [] } })
    const out = await ask(port, {
      ...{ path: "/tools/console/admin/v1/console/sign-out", body: {} },
      headers: { cookie },
    })
    expect(out).toMatchObject({ status: 200, json: {} })
    expect(await list({ cookie })).toMatchObject({ status: 401 })
  })

  test("the page is there, and the rest of the program stays", async () => {
    const { port } = await start()
    expect(await ask(port, { path: "/tools/console" })).toMatchObject({
      status: 308,
      headers: { location: "console/" },
    })
    expect(await ask(port, { path: "/tools/console/?x=1" })).toMatchObject({
      status: 200,
      text: "<!doctype html><title>Console</title>",
    })
    expect(await ask(port, { path: "/" })).toMatchObject({ status: 200, text: "mine" })
  })
})
