import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("destinations", (open) => {
  it("says of each how it is doing, and leads to it", async () => {
    const { page } = await open({ at: "#/destinations" })
    const billing = page.getByRole("row", { name: /billing/ })
    await billing.waitFor()
    expect(await billing.textContent()).toMatch(/Failing.*answers 503 for 38 min, next try \d\d:\d\d:\d\d/)
    await billing.getByRole("link", { name: "billing" }).click()
    await page.getByRole("heading", { level: 1, name: /billing/ }).waitFor()
    expect(await page.locator("h1").count()).toBe(1)
    expect(await page.title()).toContain("billing")
  })

  it("counts down to the next try, and tries at once when asked", async () => {
    const { page, standIn } = await open({ at: "#/destinations/billing" })
    await page.getByText("Answers 503 for 38 min.").waitFor()
    await page.getByText("None is lost; none is given up before").waitFor()
    await page.getByRole("img", { name: /12 attempts since .* all failed; the next one is at/ }).waitFor()
    await page.getByRole("button", { name: "Try now" }).click()
    await page.getByText("Trying billing now").first().waitFor()
    expect(standIn.asked).toContainEqual({ path: "destinations/try-now", input: { id: "billing" } })
  })

  it("shows why something could not be done where it was asked for", async () => {
    const { page, standIn } = await open({ at: "#/destinations/billing" })
    standIn.answers["destinations/try-now"] = () => {
      throw new Error("nothing is delivered from here")
    }
    await page.getByRole("button", { name: "Try now" }).click()
    const said = page.getByRole("region", { name: "State" }).getByRole("alert")
    await said.waitFor()
    expect(await said.textContent()).toContain("nothing is delivered from here")
  })

  it("reads the values of a chart by arrow keys, and all charts move their cursor together", async () => {
    const { page } = await open({ at: "#/destinations/growth-crm" })
    const chart = page.getByRole("group", { name: /^Attempts\./ })
    await chart.focus()
    await page.keyboard.press("Home")
    await page.getByText(/^\d\d:\d\d: delivered \d+, failed \d+$/).waitFor({ state: "attached" })
    expect(await page.locator(".chart-cursor").count()).toBe(4)
  })

  it("changes nothing in read-only, and says why", async () => {
    const { page, standIn } = await open({ at: "#/destinations/billing", role: "read" })
    const tryNow = page.getByRole("button", { name: "Try now" })
    await tryNow.waitFor()
    expect(await tryNow.getAttribute("aria-disabled")).toBe("true")
    expect(await tryNow.getAttribute("title")).toBe("You are signed in with read-only access.")
    await tryNow.press("Enter")
    expect(standIn.asked.map(({ path }) => path)).not.toContain("destinations/try-now")
  })

  it("skips what waits only with its number on the button", async () => {
    const { page, standIn } = await open({ at: "#/destinations" })
    await page.getByRole("button", { name: "More for growth-crm" }).click()
    await page.getByRole("button", { name: /Skip what waits/ }).click()
    const dialog = page.getByRole("dialog", { name: "Skip what waits for growth-crm?" })
    await dialog.getByRole("button", { name: "Skip 1,498 events" }).click()
    await page.getByText(/1,498 events skipped/).waitFor()
    expect(standIn.asked).toContainEqual({ path: "destinations/skip", input: { id: "growth-crm" } })
  })

  it("shows an attempt with its outcome in words, and gives the focus back", async () => {
    const { page } = await open({ at: "#/destinations/billing/attempts?outcome=failed" })
    const first = page.locator("tbody button.link").first()
    await first.click()
    const dialog = page.getByRole("dialog", { name: "Answered 503" })
    await dialog.getByText("Not now.").waitFor()
    await dialog.getByText("webhook-id: msg_5dd0c94c27b1e07f43d88c02b6a5f913").waitFor()
    expect(
      await dialog
        .getByRole("button", { name: "Close" })
        .last()
        .evaluate((one) => one === document.activeElement),
    ).toBe(true)
    await page.keyboard.press("Escape")
    await dialog.waitFor({ state: "detached" })
    expect(await first.evaluate((one) => one === document.activeElement)).toBe(true)
  })

  it("replays a range with about its number, and shows the progress where it goes", async () => {
    const { page, standIn } = await open({ at: "#/destinations/growth-crm" })
    await page.getByRole("button", { name: "Replay" }).click()
    const dialog = page.getByRole("dialog", { name: "Replay" })
    await dialog.getByRole("button", { name: /^Replay about [\d,]+ to growth-crm$/ }).click()
    await page.getByText("Replaying a time range to growth-crm", { exact: true }).waitFor()
    const asked = standIn.asked.find(({ path }) => path === "replay")?.input as {
      since: number
      until: number
    }
    expect(asked.until - asked.since).toBe(3_600_000)
    await page.getByRole("button", { name: "Stop" }).click()
    await page.getByRole("dialog", { name: "Stop the replay?" }).getByRole("button", { name: "Stop" }).click()
    await page.getByText("Stopped replaying a time range to growth-crm", { exact: true }).waitFor()
  })

  it("says that a range ends before it begins, and replays nothing", async () => {
    const { page, standIn } = await open({ at: "#/destinations/growth-crm" })
    await page.getByRole("button", { name: "Replay" }).click()
    const dialog = page.getByRole("dialog", { name: "Replay" })
    await dialog.getByLabel("To").fill("2020-01-01T00:00")
    await dialog.getByText("It ends before it begins.").waitFor()
    await dialog.getByRole("button", { name: /^Replay.* to growth-crm$/ }).press("Enter")
    expect(standIn.asked.map(({ path }) => path)).not.toContain("replay")
  })

  it("shows a new secret once, and retires the old one", async () => {
    const { page } = await open({ at: "#/destinations/growth-crm/settings" })
    await page.getByRole("button", { name: "New secret" }).click()
    const dialog = page.getByRole("dialog", { name: "New signing secret" })
    await dialog.getByRole("button", { name: "Make a new secret" }).click()
    await dialog.getByText("whsec_9sEgKtR4iXoUwZk3uQ1xW0v7mJr5bTq8LhYc2N6dPfA=").waitFor()
    await dialog.getByRole("button", { name: "I have copied it" }).click()
    await page.getByText("Each request is signed with all of them.").waitFor()
    expect(await page.getByText("whsec_9sEg").count()).toBe(0)
    await page.getByRole("row", { name: /oUw=/ }).getByRole("button", { name: "Retire" }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Retire" }).click()
    await page.getByRole("row", { name: /oUw=/ }).waitFor({ state: "detached" })
  })

  it("leaves what the configuration has to the configuration", async () => {
    const { page } = await open({ at: "#/destinations/warehouse/settings" })
    await page.getByText("Defined in the configuration.").waitFor()
    const make = page.getByRole("button", { name: "New secret" })
    expect(await make.getAttribute("aria-disabled")).toBe("true")
  })

  it("says that there is no such destination", async () => {
    const { page } = await open({ at: "#/destinations/nobody" })
    await page.getByText("There is no destination of this name.").waitFor()
  })

  it("begins with what a first run needs", async () => {
    const { page } = await open({ at: "#/destinations", scenario: "first-run" })
    await page.getByText("Events go nowhere yet.").waitFor()
  })

  it.each([320, 400])("does not scroll sideways at %i px", async (width) => {
    const { page } = await open({ at: "#/destinations/billing", width })
    await page.getByText("Answers 503 for 38 min.").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
