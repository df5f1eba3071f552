import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { join } from "node:path"
import { missing, pathOf } from "@millrace/test-servers"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, it, onTestFinished } from "vitest"
import { listening } from "./listening.ts"

const executablePath = ["chromium", "chromium-browser", "google-chrome"]
  .map(pathOf)
  .find((path) => path !== undefined)

/** It is to ask nobody for anything but the pages of the tests. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

/** The SDKs as a page's script element loads them; each by its name in the page. */
const scripts = {
  Statsig: ["@statsig/js-client", "build/statsig-js-client.min.js"],
  statsig: ["statsig-js", "build/statsig-prod-web-sdk.js"],
} as const

/** The globals that these scripts make. */
export interface PageSdks {
  readonly Statsig: typeof import("@statsig/js-client")
  readonly statsig: typeof import("statsig-js").default
}

export interface Visit {
  readonly page: Page
  /** Where the page comes from: never where Millrace is. */
  readonly origin: string
}

/**
 * Opens a page of an origin of its own in Chromium. It has `Statsig` of `@statsig/js-client` and
 * `statsig` of `statsig-js`.
 */
export type OpenPage = () => Promise<Visit>

const packageOf = (name: string): string => {
  const require = createRequire(import.meta.url)
  const entry = require.resolve(name)
  return entry.slice(0, entry.lastIndexOf(join("node_modules", name)) + join("node_modules", name).length)
}

const startSite = async () => {
  const server = createServer(async (req, res) => {
    const script = Object.entries(scripts).find(([name]) => req.url === `/${name}.js`)?.[1]
    if (script !== undefined) {
      res.setHeader("content-type", "text/javascript")
      return void res.end(await readFile(join(packageOf(script[0]), script[1])))
    }
    res.setHeader("content-type", "text/html")
    res.end(
      `<!doctype html>${Object.keys(scripts)
        .map((name) => `<script src="/${name}.js"></script>`)
        .join("")}`,
    )
  })
  const { url, close } = await listening(server)
  // Another site than Millrace's, too.
  return { origin: url.replace("127.0.0.1", "localhost"), close }
}

/** Registers tests that need Chromium; without it there is one skipped test that says so. */
export const describeBrowser = (name: string, body: (open: OpenPage) => void): void => {
  if (executablePath === undefined) return void it.skip(`${name} (skipped: ${missing("chromium")})`)
  describe(name, () => {
    let browser: Browser
    let site: Awaited<ReturnType<typeof startSite>>
    beforeAll(async () => {
      site = await startSite()
      browser = await chromium.launch({ executablePath, headless: true, args })
    }, 60_000)
    afterAll(async () => {
      await browser?.close()
      await site?.close()
    })
    body(async () => {
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const page = await context.newPage()
      await page.goto(site.origin)
      return { page, origin: site.origin }
    })
  })
}
