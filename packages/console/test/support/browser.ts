import { missing, pathOf } from "@millrace/test-servers"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { type StandIn, type StandInOptions, startStandIn } from "./standIn/server.ts"

const executablePath = ["chromium", "chromium-browser", "google-chrome"]
  .map(pathOf)
  .find((path) => path !== undefined)

/** It is to ask nobody for anything but the page under test. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

export interface Visit {
  readonly page: Page
  readonly standIn: StandIn
}

export interface VisitOptions extends StandInOptions {
  /** Behind the console's address: `#/live`. */
  readonly at?: string
  readonly width?: number
  readonly theme?: "light" | "dark"
}

/** Opens the console in a window of its own, with a stand-in for the server. */
export type OpenConsole = (options?: VisitOptions) => Promise<Visit>

/**
 * Registers tests that need Chromium; without it there is one skipped test that says so. Each visit
 * fails its test when the page has thrown anything, or broken its policy.
 */
export const describePage = (name: string, body: (open: OpenConsole) => void): void => {
  if (executablePath === undefined) return void it.skip(`${name} (skipped: ${missing("chromium")})`)
  describe(name, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, headless: true, args })
    }, 60_000)
    afterAll(() => browser?.close())
    body(async ({ at = "", width = 1440, theme = "light", ...options } = {}) => {
      const standIn = await startStandIn({ open: true, ...options })
      const context = await browser.newContext({
        viewport: { width, height: width < 900 ? 860 : 1000 },
        colorScheme: theme,
        reducedMotion: "reduce",
      })
      const problems: Array<string> = []
      const page = await context.newPage()
      // A busy machine takes its time; what never comes fails by the time of the test.
      page.setDefaultTimeout(80_000)
      page.on("pageerror", (error) => problems.push(error.message))
      page.on("console", (message) => {
        // Failed requests are the tests' own doing; a broken policy is told as an error, too.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
          problems.push(message.text())
      })
      onTestFinished(async () => {
        await context.close()
        await standIn.close()
        expect(problems).toEqual([])
      })
      await page.goto(`${standIn.url}${at}`)
      return { page, standIn }
    })
  })
}
