import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("the overview", (open) => {
  it("says first what is the case, and what needs somebody in its order", async () => {
    const { page } = await open()
    await page
      .getByRole("heading", { level: 1, name: "1 destination is failing, 1 is catching up." })
      .waitFor()
    await page.getByRole("link", { name: "growth-crm refuses checkout_completed" }).waitFor()
    await page.getByText("most from javascript-client 3.31.0").waitFor()
    await page.getByRole("heading", { name: "A check is wrong: receivers" }).waitFor()
    expect(await page.locator(".need h3").allTextContents()).toEqual([
      expect.stringMatching(/^billing answers 503 since /),
      "growth-crm refuses checkout_completed",
      "37 events were rejected on arrival",
      "12 requests had a wrong key",
      "staging-mirror is paused by hand",
      "A check is wrong: receivers",
    ])
    expect(await page.title()).toBe("1 destination is failing, 1 is catching up · millrace")
  })

  it("tries a destination at once, and says so", async () => {
    const { page, standIn } = await open()
    await page.getByRole("button", { name: "Try now" }).click()
    await page.getByText("Trying billing now").waitFor()
    expect(standIn.asked).toContainEqual({ path: "destinations/try-now", input: { id: "billing" } })
  })

  it("keeps a failure where it has happened", async () => {
    const { page, standIn } = await open()
    standIn.fail("destinations/try-now", 409, "no server delivers from this store")
    await page.getByRole("button", { name: "Try now" }).click()
    await page.getByRole("alert").filter({ hasText: "no server delivers from this store" }).waitFor()
  })

  it("says in place of what could not be loaded why, and loads it when asked", async () => {
    const { page, standIn } = await open({ failing: { "intake/history": [503, "the store is busy"] } })
    const failure = page.getByRole("alert").filter({ hasText: "the store is busy" })
    await failure.waitFor()
    standIn.mend()
    await failure.getByRole("button", { name: "Try again" }).click()
    await page.getByRole("heading", { name: "Arriving" }).waitFor()
    await failure.waitFor({ state: "detached" })
  })

  it("shows changes as off, with the reason, to those who may only look", async () => {
    const { page, standIn } = await open({ role: "read" })
    const button = page.getByRole("button", { name: "Try now" })
    await button.waitFor()
    expect(await button.getAttribute("aria-disabled")).toBe("true")
    expect(await button.getAttribute("title")).toBe("You are signed in with read-only access.")
    await button.click({ force: true })
    expect(standIn.asked.map(({ path }) => path)).not.toContain("destinations/try-now")
  })

  it("reads a chart's values by arrow keys", async () => {
    const { page } = await open()
    await page.getByRole("group", { name: /^Arriving\./ }).focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await page.getByText(/^\d\d:\d\d: stored [\d.]+\/s, rejected 0\/s, yesterday [\d.]+\/s$/).waitFor()
  })

  it("ticks the first steps by itself", async () => {
    const { page, standIn } = await open({ scenario: "first-run" })
    await page.getByRole("heading", { level: 1, name: "Nothing flows yet." }).waitFor()
    standIn.alter = (status) => ({ ...status, intake: { ...status.intake, stored: 1 } })
    await page.getByRole("heading", { level: 1, name: "Events arrive." }).waitFor()
    await page.getByText("The first event has arrived.").waitFor()
  })

  it("shows why a first request was refused", async () => {
    const { page, standIn } = await open({ scenario: "first-run" })
    await page.getByText("A wrong key would show here.").waitFor()
    standIn.scenario = "usual"
    standIn.alter = (status) => ({
      ...status,
      destinations: [],
      intake: { ...status.intake, stored: 0 },
      store: { ...status.store, events: 0 },
    })
    await page.getByText(/14 requests refused, the last at [\d:]+: 401, unknown key\./).waitFor()
  })

  it("says that all is well when it is", async () => {
    const { page } = await open({ scenario: "calm" })
    await page.getByRole("heading", { level: 1, name: "All is well." }).waitFor()
    await page.getByText("Nothing needs you.").waitFor()
    await page.getByText("Nothing is lost: the ledger adds up for 1 of 1 destination.").waitFor()
  })

  it.each([320, 400])("does not scroll sideways at %i px", async (width) => {
    const { page } = await open({ width })
    await page.getByText("growth-crm refuses").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
