import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"
import { token } from "../support/standIn/server.ts"

describePage("the shell", (open) => {
  it("asks for the token, says when it is wrong, and lets in with the right one", async () => {
    const { page } = await open({ open: false })
    await page.getByLabel("Admin token").fill("wrong")
    await page.keyboard.press("Enter")
    await page.getByText("This token is not right.").waitFor()
    await page.getByLabel("Admin token").fill(token)
    await page.keyboard.press("Enter")
    await page.getByRole("navigation", { name: "Main" }).first().waitFor()
    const rate = page.getByRole("link", { name: /^\d+ events\/s$/ })
    await rate.first().waitFor()
    expect(await rate.count()).toBe(1)
  })

  it("takes the one-time token of a link, and out of the address", async () => {
    const { page } = await open({ open: false, at: `#token=${token}` })
    await page.getByRole("navigation", { name: "Main" }).first().waitFor()
    expect(page.url()).not.toContain(token)
  })

  it("says when it is disconnected, keeps what it shows, and comes back by itself", async () => {
    const { page, standIn } = await open()
    await page.getByRole("link", { name: /^\d+ events\/s$/ }).waitFor()
    standIn.cut()
    const bar = page.getByRole("region", { name: "Connection" })
    await bar.waitFor()
    expect(await bar.textContent()).toMatch(
      /Disconnected for \d+(\.\d)? s\. What you see is from \d\d:\d\d:\d\d\./,
    )
    standIn.mend()
    await bar.getByRole("button", { name: "Try now" }).click()
    await bar.waitFor({ state: "detached" })
  })

  it("says it on all pages when the store does not answer", async () => {
    const { page } = await open({ scenario: "store-down" })
    const bar = page.getByRole("region", { name: "Store" })
    await bar.waitFor()
    expect(await bar.textContent()).toContain("What was answered 202 is safe.")
  })

  it("goes by keys, which can be switched off", async () => {
    const { page } = await open()
    await page.getByRole("link", { name: /^\d+ events\/s$/ }).waitFor()
    await page.keyboard.press("?")
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor()
    await page.getByRole("switch", { name: "Single-key shortcuts" }).uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("light")
    await page.keyboard.press("Control+k")
    expect(await page.evaluate("document.activeElement.id")).toBe("find")
  })

  it("finds an event by its id", async () => {
    const { page } = await open()
    await page.keyboard.press("/")
    await page.getByRole("combobox", { name: /Find/ }).fill("9F2C41D0-c4a1-11f1-9b7e-1d2c3b4a5968")
    await page.getByRole("option", { name: /Find this event/ }).waitFor()
    await page.keyboard.press("Enter")
    expect(page.url()).toContain("#/live?event=9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968")
  })

  it.each([320, 400, 1440])("does not scroll sideways at %i px", async (width) => {
    const { page } = await open({ width })
    await page.getByRole("link", { name: /^\d+ events\/s$/ }).waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
