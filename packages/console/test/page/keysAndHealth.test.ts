import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("keys", (open) => {
  it("shows a key once, and tells what came with one before it is taken back", async () => {
    const { page, standIn } = await open({ at: "#/keys" })
    await page.getByRole("button", { name: "Create a key" }).click()
    const dialog = page.getByRole("dialog", { name: "Create a key" })
    await dialog.getByLabel("Name").fill("till")
    await dialog.getByLabel("Server").check()
    await dialog.getByRole("button", { name: "Create" }).click()
    const made = page.getByRole("dialog", { name: "Your new key" })
    await made.getByText("secret-8sQ2vK1mT0xLw7eZpR4hYcN").waitFor()
    await made.getByRole("button", { name: "I have copied it" }).click()
    await page.getByRole("row", { name: /till/ }).waitFor()
    expect(await page.getByText("secret-8sQ2vK").count()).toBe(0)
    expect(standIn.asked.at(-2)?.input).toEqual({ name: "till", kind: "server" })

    await page.getByRole("button", { name: "Revoke web shop" }).click()
    const sure = page.getByRole("dialog", { name: 'Revoke "web shop"?' })
    await sure.getByText(/5,120,441 events came with it since/).waitFor()
    await sure.getByText(/Its senders will get 401/).waitFor()
    await sure.getByRole("button", { name: "Revoke" }).click()
    await page.getByRole("row", { name: /web shop/ }).waitFor({ state: "detached" })
  })

  it("leaves keys of the configuration to it, and shows names as text", async () => {
    const { page } = await open({ at: "#/keys" })
    await page.getByRole("row", { name: /ios app.*set in the configuration/ }).waitFor()
    await page.getByText("<img src=x onerror=alert(1)>").waitFor()
    expect(await page.getByRole("button", { name: "Revoke ios app" }).count()).toBe(0)
  })
})

describePage("health", (open) => {
  it("says that everything adds up, and what a check has found wrong first", async () => {
    const { page } = await open({ at: "#/health" })
    await page.getByRole("heading", { level: 1, name: "Everything adds up." }).waitFor()
    await page.getByText("billing answers 503.").waitFor()
    expect(await page.locator(".checks li").first().textContent()).toContain("wrong")
    await page.getByRole("img", { name: "83.4 % used" }).waitFor()
    const worker = page.getByRole("row", { name: /worker 3/ })
    expect(await worker.getByRole("cell").allTextContents()).toEqual(["intake", "94 MiB", "12 %", "55", "1"])
    const changes = page.locator(".changes li")
    await changes.first().getByRole("link", { name: "growth-crm" }).waitFor()
    expect(await changes.allTextContents()).toEqual([
      expect.stringContaining("console, full access changed growth-crm"),
      expect.stringContaining("command revoked the key k7"),
    ])
  })

  it("says by how much a ledger is off", async () => {
    const { page, standIn } = await open({ at: "#/keys" })
    standIn.alter = (status) => ({
      ...status,
      destinations: status.destinations.map((row) =>
        row.id === "billing" ? { ...row, due: row.due + 12 } : row,
      ),
    })
    await page.getByRole("link", { name: "Health" }).first().click()
    await page
      .getByRole("heading", { name: "The ledger of billing is off by 12: please report this." })
      .waitFor()
    await page.getByText("off by 12", { exact: true }).waitFor()
  })

  it("says it when the store is down", async () => {
    const { page } = await open({ at: "#/health", scenario: "store-down" })
    await page.getByRole("heading", { level: 1, name: "The store does not answer." }).waitFor()
  })

  it.each([320, 400])("does not scroll sideways at %i px", async (width) => {
    const { page } = await open({ at: "#/health", width })
    await page.getByText("billing answers 503.").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
