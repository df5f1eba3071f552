import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { adminReadToken } from "../support/hosts.ts"
import { describeConsole, send, startMillrace } from "./support/console.ts"
import { startReceiver } from "./support/receiver.ts"

const why = "You are signed in with read-only access."

/** Asks the API as the page does, with its cookie; gives the status. */
const ask = (page: Page, path: string, body: unknown): Promise<number> =>
  page.evaluate(
    async ([to, sent]) => {
      const response = await fetch(`admin/v1/${to}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(sent),
      })
      return response.status
    },
    [path, body] as const,
  )

describeConsole("those who may only look", (open) => {
  it("see all but users' values, and change nothing", async () => {
    const receiver = await startReceiver()
    const { millrace, origin, url } = await startMillrace()
    await millrace.addDestination({ id: "warehouse", url: receiver.url, batch: { maxDelay: 10 } })
    await send(origin, [
      { eventName: "purchase", user: { userID: "ada", email: "ada@example.org" }, value: "a-private-value" },
    ])
    await receiver.until(() => receiver.taken().length === 1)
    const { page } = await open({ url, token: adminReadToken, at: "#/destinations/warehouse" })
    await page.getByRole("region", { name: "Access" }).filter({ hasText: "Read-only." }).waitFor()
    for (const name of ["Send test event", "Replay"]) {
      const button = page.getByRole("button", { name })
      expect([await button.getAttribute("aria-disabled"), await button.getAttribute("title")]).toEqual([
        "true",
        why,
      ])
      await button.click({ force: true })
    }
    expect(await page.getByRole("dialog").count()).toBe(0)
    expect(await ask(page, "destinations/disable", { id: "warehouse" })).toBe(403)
    expect(await ask(page, "destinations/remove", { id: "warehouse" })).toBe(403)
    expect(await ask(page, "destinations/list", {})).toBe(200)
    expect(await millrace.destinations()).toMatchObject([{ id: "warehouse", disabled: null }])

    await page.goto(`${url}#/live`)
    await page.getByRole("row").filter({ hasText: "purchase" }).first().click()
    await page.getByRole("heading", { name: "Where it is" }).waitFor()
    const shown = await page.content()
    for (const value of ["ada@example.org", "a-private-value"]) expect(shown).not.toContain(value)
  })
})
