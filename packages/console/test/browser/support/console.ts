import { consoleHandler } from "@millrace/console"
import type { Millrace as Core } from "@millrace/core"
import { createServer } from "@millrace/node"
import type { BrowserContext, Page } from "playwright-core"
import { expect, onTestFinished } from "vitest"
import { describeChromium, watchPage } from "../../support/chromium.ts"
import { adminReadToken, adminToken, makeMillrace } from "../../support/hosts.ts"

/** The key that senders show. */
export const key = "secret-of-senders"

export interface Served {
  readonly millrace: Core.Millrace
  /** Where senders reach it. */
  readonly origin: string
  /** The console's page. */
  readonly url: string
}

type Options = Parameters<typeof makeMillrace>[0]

/** A Millrace with its console, as a program of one's own has them, until the test is over. */
export const startMillrace = async (options: Options = {}): Promise<Served> => {
  const millrace = await makeMillrace({
    keys: { server: [key] },
    allowPrivateDestinations: true,
    ...options,
  })
  const page = consoleHandler(millrace, { adminToken, adminReadToken })
  const server = createServer(millrace, { fallback: (req, res) => page(req, res) })
  const { port } = await server.listen(0, "127.0.0.1")
  onTestFinished(async () => {
    server.http.closeAllConnections()
    await server.close(0)
  })
  const origin = `http://127.0.0.1:${port}`
  return { millrace, origin, url: `${origin}/console/` }
}

export interface Sent {
  readonly eventName: string
  readonly user?: Readonly<Record<string, unknown>>
  readonly value?: string | number
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** Sends events as an SDK does, and waits until they are stored. */
export const send = async (origin: string, events: ReadonlyArray<Sent>): Promise<void> => {
  const response = await fetch(`${origin}/v1/log_event`, {
    method: "POST",
    headers: { "content-type": "application/json", "statsig-api-key": key },
    body: JSON.stringify({
      events: events.map((event) => ({ user: { userID: "ada" }, time: Date.now(), ...event })),
      statsigMetadata: { sdkType: "js-client", sdkVersion: "3.31.0" },
    }),
  })
  expect(response.status).toBe(202)
}

export interface VisitOptions {
  /** The console's address. */
  readonly url: string
  /** Behind it: `#/live`. */
  readonly at?: string
  /** Signs in with it before the page opens; `null` opens it signed out. */
  readonly token?: string | null
  readonly width?: number
  readonly theme?: "light" | "dark"
  readonly motion?: "reduce" | "no-preference"
  /** Runs in the page before anything else. */
  readonly script?: string
}

export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
}

export type Open = (options: VisitOptions) => Promise<Visit>

/** Signs in as the page does, and leaves the cookie with the browser. */
const signIn = async (context: BrowserContext, url: string, token: string): Promise<void> => {
  const response = await context.request.post(`${url}admin/v1/console/sign-in`, { data: { token } })
  expect(response.status()).toBe(200)
}

/** A test on a busy machine waits this long for what it looks for, in ms. */
const patience = 50_000

/**
 * Registers tests of the console as a whole, in Chromium; without it there is one skipped test that
 * says so. Each visit fails its test when the page has thrown anything, opened a dialog of the
 * browser's own, broken its policy, or asked for something elsewhere.
 */
export const describeConsole = (name: string, body: (open: Open) => void): void =>
  describeChromium(name, (browser) =>
    body(async (options) => {
      const { url, at = "", token = adminToken, width = 1440, theme = "light", motion = "reduce" } = options
      const context = await browser().newContext({
        viewport: { width, height: width < 900 ? 860 : 1000 },
        colorScheme: theme,
        reducedMotion: motion,
      })
      context.setDefaultTimeout(patience)
      if (options.script !== undefined) await context.addInitScript(options.script)
      if (token !== null) await signIn(context, url, token)
      const page = await context.newPage()
      const problems = watchPage(page)
      onTestFinished(async () => {
        await context.close()
        expect(problems).toEqual([])
      })
      await page.goto(`${url}${at}`)
      return { page, context }
    }),
  )
