import { createServer } from "node:http"
import { consoleHandler, fastifyConsole } from "@millrace/console"
import express from "express"
import Fastify from "fastify"
import helmet from "helmet"
import type { Page } from "playwright-core"
import { expect, it, onTestFinished } from "vitest"
import { adminToken, listen, makeMillrace } from "../support/hosts.ts"
import { describeConsole, startMillrace } from "./support/console.ts"

const overview = (page: Page) => page.getByRole("heading", { level: 1, name: "Nothing flows yet." })

const signIn = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel("Admin token").fill(token)
  await page.getByRole("button", { name: "Sign in" }).click()
}

describeConsole("signing in", (open) => {
  it("takes the token only, and keeps it where no script sees it", async () => {
    const { url } = await startMillrace()
    const { page, context } = await open({ url, token: null })
    await signIn(page, "not the token that it is")
    await page.getByText("This token is not right.").waitFor()
    expect(await context.cookies()).toEqual([])

    await signIn(page, adminToken)
    await overview(page).waitFor()
    const cookies = await context.cookies()
    expect(cookies).toEqual([
      expect.objectContaining({
        name: "millrace_console",
        path: "/console/",
        httpOnly: true,
        sameSite: "Strict",
      }),
    ])
    const hours = (cookies[0]!.expires - Date.now() / 1000) / 3600
    expect(hours).toBeGreaterThan(0)
    expect(hours).toBeLessThanOrEqual(12)
    expect(cookies[0]!.value).not.toContain(adminToken)
    expect(await page.evaluate("document.cookie")).toBe("")

    await page.reload()
    await overview(page).waitFor()
    await page.getByRole("button", { name: "Account and help" }).click()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByLabel("Admin token").waitFor()
    // Whoever has kept the cookie has nothing any more.
    await context.addCookies(cookies)
    await page.reload()
    await page.getByLabel("Admin token").waitFor()
  })

  it("without a token there is no page, and no data", async () => {
    const millrace = await makeMillrace()
    const port = await listen(createServer(consoleHandler(millrace, {})))
    for (const path of ["/console/", "/console/admin/v1/status"]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" })
      expect([response.status, await response.json()]).toEqual([404, { message: "not found", status: 404 }])
    }
  })

  it("opens behind a prefix of Express under helmet as it comes", async () => {
    const millrace = await makeMillrace()
    const app = express().use(helmet())
    app.use("/inner/tools/millrace", consoleHandler(millrace, { adminToken }))
    const port = await listen(createServer(app))
    // Without the slash, as people type it.
    const { page, context } = await open({
      url: `http://127.0.0.1:${port}/inner/tools/millrace`,
      token: null,
    })
    await signIn(page, adminToken)
    await overview(page).waitFor()
    expect(new URL(page.url()).pathname).toBe("/inner/tools/millrace/")
    expect(await context.cookies()).toMatchObject([{ path: "/inner/tools/millrace/" }])
  })
  it("opens as a plugin of Fastify, inside another one with a prefix", async () => {
    const millrace = await makeMillrace()
    const app = Fastify({ forceCloseConnections: true })
    app.register(
      async (inner) => {
        inner.register(fastifyConsole, { millrace, adminToken, prefix: "/millrace" })
      },
      { prefix: "/tools" },
    )
    const origin = await app.listen({ port: 0, host: "127.0.0.1" })
    onTestFinished(() => app.close())
    const { page } = await open({ url: `${origin}/tools/millrace/`, token: null })
    await signIn(page, adminToken)
    await overview(page).waitFor()
  })
})
