import type { Page } from "playwright-core"
import { expect, onTestFinished } from "vitest"
import { describeChromium, watchPage } from "./chromium.ts"
import { type StandIn, type StandInOptions, startStandIn } from "./standIn/server.ts"

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
export const describePage = (name: string, body: (open: OpenConsole) => void): void =>
  describeChromium(name, (browser) =>
    body(async ({ at = "", width = 1440, theme = "light", ...options } = {}) => {
      const standIn = await startStandIn({ open: true, ...options })
      const context = await browser().newContext({
        viewport: { width, height: width < 900 ? 860 : 1000 },
        colorScheme: theme,
        reducedMotion: "reduce",
      })
      const page = await context.newPage()
      // A busy machine takes its time; what never comes fails by the time of the test.
      page.setDefaultTimeout(80_000)
      const problems = watchPage(page)
      onTestFinished(async () => {
        await context.close()
        await standIn.close()
        expect(problems).toEqual([])
      })
      await page.goto(`${standIn.url}${at}`)
      return { page, standIn }
    }),
  )
