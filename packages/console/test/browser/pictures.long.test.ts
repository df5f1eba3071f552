import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { BrowserContext, Page, Route } from "playwright-core"
import { it } from "vitest"
import { describeConsole } from "./support/console.ts"
import { openBusyShop, openShop, type Shop } from "./support/shop.ts"

// Pictures to look at: every page in each of its states, in both themes, from a real server. They
// are written below `.tmp/pictures`, and with MILLRACE_PICTURES=docs some of them into docs, too.

const output = fileURLToPath(new URL("../../.tmp/pictures/", import.meta.url))
const documents = fileURLToPath(new URL("../../../../docs/pictures/", import.meta.url))

const themes = ["light", "dark"] as const

type Theme = (typeof themes)[number]

/** The pages of the navigation, and those of one destination. */
const pages = {
  overview: "#/overview",
  live: "#/live",
  destinations: "#/destinations",
  letters: "#/dead-letters",
  health: "#/health",
  keys: "#/keys",
}

const ofDestination = {
  destination: "#/destinations/warehouse",
  attempts: "#/destinations/warehouse/attempts",
  filtering: "#/destinations/warehouse/filter",
  settings: "#/destinations/warehouse/settings",
}

const shoot = async (page: Page, state: string, name: string, theme: Theme): Promise<void> => {
  const directory = join(output, state)
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: join(directory, `${name}-${theme}.png`) })
}

/** Small enough for a document: as browsers of today show pictures. */
const document = async (page: Page, name: string): Promise<void> => {
  if (process.env["MILLRACE_PICTURES"] !== "docs") return
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 })
  mkdirSync(documents, { recursive: true })
  writeFileSync(join(documents, `${name}.webp`), Buffer.from(data, "base64"))
}

/** Time for what is loaded, and for what moves when it has come. A stream is never at rest. */
const calm = async (page: Page): Promise<void> => {
  await page.waitForTimeout(800)
}

const api = "**/admin/v1/**"

const signingIn = /\/console\/(sign-in|sign-out|whoami)$/

/** Has whatever the page asks for answered by this, but for signing in. */
const answerBy = (context: BrowserContext, answer: (route: Route) => unknown): Promise<unknown> =>
  context.route(api, (route) =>
    signingIn.test(route.request().url()) ? route.fallback() : void answer(route),
  )

const broken = (route: Route): Promise<void> =>
  route.fulfill({
    status: 500,
    json: { status: 500, message: "a mistake of ours: TypeError: x is not a function" },
  })

describeConsole("pictures of the console are taken", (open) => {
  const visit = async (
    shop: Shop,
    theme: Theme,
    { width = 1440, answer }: { width?: number; answer?: (route: Route) => unknown } = {},
  ) => {
    const visited = await open({ url: shop.url, at: "#/none", theme, width })
    if (answer !== undefined) await answerBy(visited.context, answer)
    const go = async (at: string): Promise<void> => {
      await visited.page.goto("about:blank")
      await visited.page.goto(`${shop.url}${at}`)
      await calm(visited.page)
    }
    return { ...visited, go }
  }

  const all = async (
    shop: Shop,
    state: string,
    addresses: Readonly<Record<string, string>>,
    answer?: (route: Route) => unknown,
  ) => {
    // What is missing or wrong is laid out alike in both themes.
    for (const theme of answer === undefined ? themes : themes.slice(0, 1)) {
      const { page, go, context } = await visit(shop, theme, answer === undefined ? {} : { answer })
      for (const [name, at] of Object.entries(addresses)) {
        await go(at)
        await shoot(page, state, name, theme)
      }
      await context.close()
    }
  }

  it("before anything has happened, while it loads, and when it cannot", { timeout: 600_000 }, async () => {
    rmSync(output, { recursive: true, force: true })
    const fresh = await openShop()
    fresh.goOn()
    await all(fresh, "first-run", pages)
    const empty = await openShop({
      destinations: [{ id: "warehouse", url: "https://warehouse.example/events" }],
    })
    await empty.post([{ eventName: "page_viewed", user: { userID: "ada" }, time: empty.now() }])
    await empty.pass(30 * 60_000)
    empty.goOn()
    const both = { ...pages, ...ofDestination }
    await all(empty, "empty", both)
    await all(empty, "loading", both, () => {})
    await all(empty, "error", both, broken)
    empty.failStore(true)
    await empty.pass(41_000)
    await all(empty, "store-down", { overview: "#/overview", live: "#/live", health: "#/health" })
  })

  it("on an ordinary bad day", { timeout: 600_000 }, async () => {
    const shop = await openBusyShop()
    shop.goOn()
    for (const theme of themes) {
      const { page, go, context } = await visit(shop, theme)
      const take = (name: string) => shoot(page, "filled", name, theme)
      const dialog = page.getByRole("dialog")
      for (const [name, at] of Object.entries(pages)) {
        await go(at)
        if (name === "overview" || name === "live") await page.waitForTimeout(4_000)
        await take(name)
        if (name === "overview" && theme === "light") await document(page, "overview")
      }
      await go("#/live?name=checkout_completed")
      await page.getByRole("row").nth(3).click()
      await page
        .getByRole("complementary")
        .first()
        .waitFor({ timeout: 5_000 })
        .catch(() => {})
      await calm(page)
      await take("event")
      if (theme === "dark") await document(page, "event")
      await go("#/destinations/billing")
      await take("destination-failing")
      await page
        .getByRole("tab", { name: "Attempts" })
        .or(page.getByRole("link", { name: "Attempts" }))
        .click()
      await calm(page)
      await take("attempts")
      await page.locator("table [data-row]").first().click()
      await dialog.waitFor()
      await calm(page)
      await take("attempt")
      for (const [name, at] of Object.entries({
        "destination-behind": "#/destinations/fraud-scoring",
        "destination-flowing": "#/destinations/warehouse",
        "destination-paused": "#/destinations/staging-mirror",
        filtering: "#/destinations/growth-crm/filter",
        settings: "#/destinations/growth-crm/settings",
      })) {
        await go(at)
        await take(name)
      }
      await go("#/destinations/growth-crm/filter")
      await page.getByRole("button", { name: "Event Filtering" }).first().click()
      await dialog.waitFor()
      await calm(page)
      await take("filter-dialog")
      if (theme === "light") await document(page, "filtering")
      await go("#/destinations")
      await page.getByRole("button", { name: "Connect a webhook" }).click()
      await dialog.getByLabel("Webhook URL").fill("https://hooks.lantern-bi.example/events")
      await dialog.getByRole("button", { name: "Send test event" }).click()
      await calm(page)
      await take("connect")
      await go("#/dead-letters")
      if (theme === "dark") await document(page, "letters")
      await page.getByRole("button", { name: /^Replay \d+ to growth-crm$/ }).click()
      await dialog.waitFor()
      await calm(page)
      await take("replay")
      await context.close()

      const narrow = await visit(shop, theme, { width: 400 })
      for (const [name, at] of Object.entries({ ...pages, destination: "#/destinations/billing" })) {
        await narrow.go(at)
        if (name === "overview") await narrow.page.waitForTimeout(2_500)
        await shoot(narrow.page, "narrow", name, theme)
      }
      await narrow.context.close()
    }
  })
})
