import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import type { EventRow } from "../../web/api/rows.ts"
import { describePage } from "../support/browser.ts"
import { nextRow, traceOf } from "../support/standIn/events.ts"
import { statusAt } from "../support/standIn/world.ts"

const rows = (page: Page) => page.locator(".live-body .live-row:visible")

const first = (page: Page) => rows(page).locator(".live-time").allTextContents()

const named = (name: string, changes: Partial<Record<number, string>> = {}): EventRow =>
  Object.assign([...nextRow(Date.now(), { name })], changes) as unknown as EventRow

/** The newest row stands at the top, whichever element it is in. */
const top = async (page: Page): Promise<string> => (await first(page)).toSorted().at(-1)!

describePage("Live", (open) => {
  it("shows what arrives, holds what is pointed at, and leads back", async () => {
    const { page } = await open({ at: "#/live" })
    await rows(page).first().waitFor()
    await page.locator(".live-scroll").hover()
    const held = await top(page)
    const newer = page.getByRole("button", { name: /newer$/ })
    await newer.waitFor()
    expect(await top(page)).toBe(held)
    await newer.click()
    await page.mouse.move(5, 5)
    await newer.waitFor({ state: "hidden" })
    await page.waitForFunction(
      (before) =>
        [...document.querySelectorAll(".live-time")].some((cell) => (cell.textContent ?? "") > before),
      held,
    )
  })

  it("is paused and goes on by Space", async () => {
    const { page } = await open({ at: "#/live" })
    await rows(page).first().waitFor()
    await page.keyboard.press("Space")
    await page.getByRole("button", { name: "Go on" }).waitFor()
    await page.getByRole("button", { name: /newer$/ }).waitFor()
    await page.keyboard.press("Space")
    await page.getByRole("button", { name: "Pause" }).waitFor()
  })

  it("has few rows in the document, whatever comes", async () => {
    const { page } = await open({ at: "#/live", rowsOfFrame: 500 })
    await page.locator(".live-body").evaluate(
      (body) =>
        new Promise<void>((resolve) => {
          const look = () => (body.clientHeight >= 2_000 * 34 ? resolve() : requestAnimationFrame(look))
          look()
        }),
    )
    expect(await page.locator(".live-row").count()).toBeLessThanOrEqual(46)
    expect(await page.locator("*").count()).toBeLessThan(3_000)
  })

  it("goes from row to row by keys, opens one, and gives the focus back", async () => {
    const { page } = await open({ at: "#/live" })
    await rows(page).first().waitFor()
    await page.keyboard.press("j")
    await page.keyboard.press("ArrowDown")
    const time = await page.evaluate("document.activeElement.querySelector('.live-time').textContent")
    await page.keyboard.press("Enter")
    const panel = page.getByRole("complementary")
    await panel.getByText("Where it is").waitFor()
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H2")
    await page.keyboard.press("Escape")
    await panel.waitFor({ state: "detached" })
    expect(await page.evaluate("document.activeElement.querySelector('.live-time').textContent")).toBe(time)
  })

  it("narrows down by category and name, by the address alone", async () => {
    const { page, standIn } = await open({ at: "#/live" })
    await page.getByRole("button", { name: "Exposures" }).click()
    await page.waitForURL(/category=exposures/)
    await rows(page).first().waitFor()
    expect(standIn.asked.filter(({ path }) => path === "stream").at(-1)!.input).toEqual({
      topics: ["status", "live"],
      live: { category: "exposures" },
    })
  })

  it("says where an event is, and what leaves of it", async () => {
    const { page } = await open({ at: "#/live?event=9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968" })
    const panel = page.getByRole("complementary")
    await panel.getByText("Waits for its turn: 812,406 events are before it, about 8 min.").waitFor()
    expect(await panel.locator(".is-dropped del").allTextContents()).toEqual(['"ip": "203.0.113.48",'])
    await panel.getByRole("combobox", { name: "Destination" }).selectOption("warehouse")
    expect(await panel.locator(".is-dropped").count()).toBe(0)
    await panel.getByRole("radio", { name: "As it came" }).check({ force: true })
    await panel.getByRole("region", { name: "The event as it came" }).waitFor()
  })

  it("hides the values of users for shared screens", async () => {
    const { page } = await open({ at: "#/live?event=9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968" })
    const json = page.getByRole("region", { name: /^The event as it leaves/ })
    await json.waitFor()
    expect(await json.textContent()).toContain("48213@mail.example")
    await page.locator("main").press("h")
    await page.waitForFunction(() => !document.querySelector(".json")?.textContent?.includes("mail.example"))
    expect(await json.textContent()).toContain("u_48213")
  })

  it("finds what is kept, and says how far was looked when there is nothing", async () => {
    const { page } = await open({ at: "#/live?event=00002c7a-b13f-11f1-9a41-5b0a9c1d2e3f" })
    const panel = page.getByRole("complementary", { name: "No such event is kept." })
    await panel.getByText(/^All 33,184,902 events kept were looked at, back to /).waitFor()
    await panel.getByRole("link", { name: "37 events were rejected on arrival" }).waitFor()
    await panel.getByRole("button", { name: "Watch for it" }).click()
    await page.waitForURL(/text=00002c7a.*watch=1/)
  })

  it("says in the tab's title when what is watched arrives", async () => {
    const { page, standIn } = await open({ at: "#/live?user=u_1&watch=1" })
    await page.waitForFunction(() => document.title.startsWith("● arrived · "))
    await page.getByText(/^Watching/).waitFor()
    expect(standIn.asked.find(({ path }) => path === "events/find")!.input).toEqual({
      limit: 100,
      user: "u_1",
    })
  })

  it("stops a search", async () => {
    const { page } = await open({ pace: 60_000, at: "#/live?event=00002c7a-b13f-11f1-9a41-5b0a9c1d2e3f" })
    await page.getByRole("button", { name: "Stop" }).click()
    await page.getByText(/^Stopped\. [\d,]+ events were looked at/).waitFor()
  })

  it("says that nothing has arrived", async () => {
    const { page } = await open({ at: "#/live", scenario: "first-run" })
    await page.getByRole("heading", { name: "No event has arrived yet." }).waitFor()
  })

  describe("shows what others have chosen as text:", () => {
    it.each([
      ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
      ["javascript:alert(1)", "javascript:alert(1)"],
      ["refund\u202Edeussi", "refund\\u202Edeussi"],
    ])("%j", async (name, expected) => {
      const { page, standIn } = await open({ at: "#/live" })
      await rows(page).first().waitFor()
      const row = named(name, { 4: name, 6: name, 7: name })
      standIn.answers["events/get"] = () => {
        const trace = traceOf(row, statusAt(Date.now(), "usual").destinations)
        const places = trace.places.map((place) =>
          place.is._tag === "Dead" ? { ...place, is: { ...place.is, message: name } } : place,
        )
        return { ...trace, places, request: { ...trace.request, sdk: name, key: name } }
      }
      standIn.next = [row]
      await page.locator(".live-name").filter({ hasText: expected }).first().click()
      const panel = page.getByRole("complementary")
      await panel.getByText("Where it is").waitFor()
      expect(await panel.getByRole("heading", { level: 2 }).textContent()).toBe(expected)
      expect(await panel.locator(".places code").textContent()).toBe(expected)
      expect(await page.locator("main img, main script").count()).toBe(0)
      const links = await page
        .locator("main a")
        .evaluateAll((all) => all.map((link) => link.getAttribute("href")))
      expect(links.filter((link) => !link!.startsWith("#/"))).toEqual([])
    })
  })

  it("opens a long event as its beginning, and all of it when asked", async () => {
    const { page, standIn } = await open({ at: "#/live" })
    await rows(page).first().waitFor()
    const whole = JSON.stringify({
      eventName: "x",
      metadata: { text: "a".repeat(1_100_000), list: Array.from({ length: 9_000 }, (_, at) => at) },
    })
    standIn.answers["events/get"] = ({ whole: isWhole }) => ({
      ...traceOf(nextRow(Date.now()), []),
      came: isWhole === true ? whole : whole.slice(0, 65_536),
      bytes: whole.length,
    })
    await rows(page).first().click()
    const panel = page.getByRole("complementary")
    await panel.getByText(/^The first 64 KiB of 1\.1 MiB\./).waitFor()
    await panel.getByRole("button", { name: "Show all of it" }).click()
    await panel.getByRole("button", { name: /more lines$/ }).waitFor()
    expect(await panel.locator(".json-line").count()).toBe(200)
    expect((await panel.locator(".json").textContent())!.length).toBeLessThan(20_000)
  })

  it.each([320, 400, 1440])("does not scroll sideways at %i px, nor does its panel", async (width) => {
    const { page } = await open({ width, at: "#/live?event=9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968" })
    await page.getByText("Where it is").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
