import { readFileSync } from "node:fs"
import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { describeConsole, send, startMillrace } from "./support/console.ts"
import { isSignedWith, startReceiver } from "./support/receiver.ts"
import { soon, times } from "./support/world.ts"

/** Says in its own words what Statsig's dialog says. */
const wordsOfStatsig = (): ReadonlyArray<string> => {
  const wire = readFileSync(new URL("../../../../docs/wire.md", import.meta.url), "utf8")
  const section = wire.slice(wire.indexOf("### Event Filtering dialog"))
  const described = section.slice(section.indexOf("1. Check-box"), section.indexOf("\n## "))
  const quoted = [...described.matchAll(/"([^"]+)"/g)].map(([, words]) => words!)
  const columns = [...described.matchAll(/\*\*([A-Z][^"*]*)\*\*/g)].map(([, words]) => words!)
  const end = quoted.indexOf("Incoming")
  return [...quoted.slice(0, end).flatMap((words) => words.split(" / ")), ...columns, "Cancel", "Save"]
}

/** Counts what the page is told of, whoever has clicked. */
const countClicks = `
  window.clicks = 0
  addEventListener("click", () => { window.clicks += 1 }, true)
`

const dryRun = async (page: Page): Promise<number> => {
  const said = await page.getByText(/^[\d,]+ would be sent$/).textContent()
  return Number(said!.replace(/\D/g, ""))
}

describeConsole("webhooks", (open) => {
  it("connects one: tested, enabled, and sent the next event, signed with the secret shown", async () => {
    const receiver = await startReceiver()
    const { origin, url } = await startMillrace()
    const { page } = await open({ url, at: "#/destinations" })
    await page.getByRole("heading", { name: "Events go nowhere yet." }).waitFor()
    await page.getByRole("button", { name: "Connect a webhook" }).first().click()
    const dialog = page.getByRole("dialog", { name: "Connect a webhook" })
    const enable = dialog.getByRole("button", { name: "Enable" })
    expect(await enable.getAttribute("aria-disabled")).toBe("true")
    const field = dialog.getByLabel("Webhook URL")
    await field.fill("warehouse.example.com")
    await dialog.getByText("Expected a URL with http or https.").waitFor()
    await field.fill(receiver.url)
    await dialog.getByText(/^A private address\./).waitFor()
    await dialog.getByLabel("Name", { exact: true }).fill("warehouse")
    const secret = (await dialog.getByText(/^whsec_/).textContent())!

    const reply = dialog.getByRole("status")
    const test = dialog.getByRole("button", { name: "Send test event" })
    receiver.answer = () => ({ status: 401, body: "who are you?" })
    await test.click()
    await reply.filter({ hasText: "401" }).filter({ hasText: "who are you?" }).waitFor()
    receiver.answer = () => ({ status: 202, body: "thank you" })
    await test.click()
    await reply.filter({ hasText: "202" }).filter({ hasText: "thank you" }).waitFor()
    expect(receiver.received).toHaveLength(2)
    expect(receiver.received[1]!.events[0]!.metadata).toMatchObject({ test: "true" })
    expect(receiver.received.map((received) => isSignedWith(secret, received))).toEqual([true, true])

    await enable.click()
    await page.getByRole("heading", { level: 1, name: /^warehouse/ }).waitFor()
    expect(page.url()).toContain("#/destinations/warehouse")
    await send(origin, times(1, "purchase"))
    await receiver.until(() => receiver.received.length === 3)
    expect(receiver.received[2]!.events).toMatchObject([{ eventName: "purchase", user: { userID: "ada" } }])
    expect(isSignedWith(secret, receiver.received[2]!)).toBe(true)

    await page.getByRole("link", { name: "Settings" }).click()
    await page.getByText(`whsec_…${secret.slice(-4)}`).waitFor()
    expect(await page.content()).not.toContain(secret.slice(6))
  })

  it("refuses a private address where the server does, and says how to allow it", async () => {
    const receiver = await startReceiver()
    const { url } = await startMillrace({ allowPrivateDestinations: false })
    const { page } = await open({ url, at: "#/destinations" })
    await page.getByRole("button", { name: "Connect a webhook" }).first().click()
    const dialog = page.getByRole("dialog", { name: "Connect a webhook" })
    await dialog.getByLabel("Webhook URL").fill(receiver.url)
    await dialog.getByRole("button", { name: "Send test event" }).click()
    await dialog
      .getByRole("status")
      .filter({ hasText: /private/ })
      .waitFor()
    expect(receiver.received).toEqual([])
  })

  it("says Statsig's own words where nothing has been reported yet", async () => {
    const receiver = await startReceiver()
    const { millrace, url } = await startMillrace()
    await millrace.addDestination({ id: "warehouse", url: receiver.url })
    const { page } = await open({ url, at: "#/destinations/warehouse" })
    await page.getByRole("button", { name: "Event Filtering" }).first().click()
    const dialog = page.getByRole("dialog", { name: "Event Filtering" })
    const words = wordsOfStatsig()
    expect(words.length).toBeGreaterThanOrEqual(13)
    await dialog.getByText("No Events").waitFor()
    const said = (await dialog.innerText()).replace(/\s+/g, " ")
    expect(words.filter((word) => !said.includes(word))).toEqual([])
  })

  it("sends exactly what is chosen in Event Filtering, and says before how many that is", async () => {
    const receiver = await startReceiver()
    const { millrace, origin, url } = await startMillrace()
    await millrace.addDestination({ id: "warehouse", url: receiver.url, ...soon })
    const mix = [
      ...times(8, "purchase"),
      ...times(5, "page_view"),
      ...times(4, "statsig::gate_exposure"),
      ...times(3, "app_open"),
    ]
    await send(origin, mix)
    await receiver.until(() => receiver.taken().length === mix.length)

    const { page } = await open({ url, at: "#/destinations/warehouse" })
    await page.getByRole("button", { name: "Event Filtering" }).first().click()
    const dialog = page.getByRole("dialog", { name: "Event Filtering" })
    await dialog.getByRole("checkbox", { name: /^Exposures/ }).uncheck()
    await dialog.getByRole("checkbox", { name: "Track page_view" }).uncheck()
    await dialog.getByText("−9 against now").waitFor()
    const promised = await dryRun(page)
    await dialog.getByRole("button", { name: "Save" }).click()
    await dialog.waitFor({ state: "detached" })

    await send(origin, [...mix, ...times(1, "brand_new")])
    await receiver.until(() => receiver.taken().includes("brand_new"))
    const since = receiver.taken().slice(mix.length)
    expect(since).toEqual(
      [...times(8, "purchase"), ...times(3, "app_open"), ...times(1, "brand_new")].map(
        ({ eventName }) => eventName,
      ),
    )
    expect(promised).toBe(since.length - 1)
  })

  it("says what a dead destination does, tries it at once when asked, and sees it recover", async () => {
    const receiver = await startReceiver()
    // Quick until it counts as failing; then it asks for patience, and nothing comes by itself.
    receiver.answer = () =>
      receiver.received.length < 3
        ? { status: 503, body: "down" }
        : { status: 503, body: "down", headers: { "retry-after": "3000" } }
    const { millrace, origin, url } = await startMillrace()
    await millrace.addDestination({
      ...{ id: "warehouse", url: receiver.url, ...soon },
      retry: { first: 10, max: "1 hour" },
    })
    await send(origin, times(5, "purchase"))
    await receiver.until(() => receiver.received.length === 3)

    const { page } = await open({ url })
    await page.getByRole("heading", { level: 1, name: "1 destination is failing." }).waitFor()
    await page.getByRole("link", { name: /^warehouse answers 503/ }).click()
    await page.getByRole("heading", { name: /^Answers 503 for / }).waitFor()
    await page.getByText(/^5 events wait/).waitFor()
    await page.getByRole("link", { name: "Attempts" }).click()
    const attempts = page.getByRole("table", { name: "Attempts, newest first" })
    const refused = attempts.getByRole("row").filter({ hasText: "503" })
    await refused.first().waitFor()
    expect(await refused.count()).toBe(3)

    await page.getByRole("link", { name: "Overview" }).last().click()
    await page.getByRole("button", { name: "Try now" }).click()
    await receiver.until(() => receiver.received.length === 4)
    await page.getByText(/^4 failures in a row/).waitFor()

    // From here on the page is not touched but by its own button.
    await page.goto(`${url}#/overview`)
    await page.evaluate("window.sameDocument = true")
    receiver.answer = () => ({ status: 200 })
    await page.getByRole("button", { name: "Try now" }).click()
    await receiver.until(() => receiver.taken().length === 5)
    await page.getByRole("heading", { level: 1, name: "All is well." }).waitFor()
    expect(await page.evaluate("window.sameDocument")).toBe(true)
  })

  it("replays the letters of a dead destination in four clicks, with their number before", async () => {
    const receiver = await startReceiver()
    receiver.answer = () => ({ status: 503, body: "down" })
    const { millrace, origin, url } = await startMillrace()
    await millrace.addDestination({
      ...{ id: "warehouse", url: receiver.url, ...soon },
      retry: { first: 10, max: 20, giveUpAfter: 100 },
    })
    await send(origin, times(3, "purchase"))
    const { page } = await open({ url, script: countClicks })
    await page.getByRole("link", { name: "3 events for warehouse were given up" }).waitFor()
    receiver.answer = () => ({ status: 200 })

    await page.getByRole("button", { name: "Dead letters" }).click()
    await page.getByText("3 events for 1 cause.").waitFor()
    await page.getByRole("button", { name: "Replay 3 to warehouse" }).click()
    const dialog = page.getByRole("dialog", { name: "Replay 3 dead letters to warehouse?" })
    expect(receiver.taken()).toEqual([])
    await dialog.getByRole("button", { name: "Replay 3" }).click()
    await receiver.until(() => receiver.taken().length === 3)
    await page.getByText("3 of them replayed and taken").waitFor()
    expect(receiver.taken()).toEqual(["purchase", "purchase", "purchase"])
    const clicks = await page.evaluate("window.clicks")
    expect(clicks).toBeGreaterThan(0)
    expect(clicks).toBeLessThanOrEqual(4)
  })
})
