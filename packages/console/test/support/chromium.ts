import { missing, pathOf } from "@millrace/test-servers"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, it } from "vitest"

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

const launch = (more: ReadonlyArray<string> = []): Promise<Browser> => {
  if (executablePath === undefined) throw new Error(missing("chromium"))
  return chromium.launch({ executablePath, headless: true, args: [...args, ...more] })
}

/**
 * Registers tests that need Chromium, one for all of them; without it there is one skipped test
 * that says so.
 */
export const describeChromium = (name: string, body: (browser: () => Browser) => void): void => {
  if (executablePath === undefined) return void it.skip(`${name} (skipped: ${missing("chromium")})`)
  describe(name, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launch()
    }, 60_000)
    afterAll(() => browser?.close())
    body(() => browser)
  })
}

/**
 * What must not happen on any page: an exception, a broken policy, a dialog of the browser's own, a
 * request to another origin. Returns the list that it is written to.
 */
export const watchPage = (page: Page): ReadonlyArray<string> => {
  const problems: Array<string> = []
  page.on("pageerror", (error) => problems.push(error.message))
  page.on("console", (message) => {
    // Failed requests are the tests' own doing; a broken policy is told as an error, too.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      problems.push(message.text())
  })
  page.on("dialog", (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on("request", (request) => {
    const { origin } = new URL(request.url())
    if (page.url() !== "about:blank" && origin !== new URL(page.url()).origin)
      problems.push(`a request to ${request.url()}`)
  })
  return problems
}
