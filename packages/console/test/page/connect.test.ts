import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("connecting a webhook", (open) => {
  const opened = async () => {
    const visit = await open({ at: "#/destinations" })
    await visit.page.getByRole("button", { name: "Connect a webhook" }).click()
    const dialog = visit.page.getByRole("dialog", { name: "Connect a webhook" })
    await dialog.waitFor()
    return { ...visit, dialog }
  }

  it("judges the URL while it is typed, and has the focus in it", async () => {
    const { page, dialog } = await opened()
    expect(await page.evaluate("document.activeElement.id")).toBe("webhook-url")
    const url = dialog.getByLabel("Webhook URL")
    await url.fill("ftp://x")
    await dialog.getByText("Expected a URL with http or https.").waitFor()
    await url.fill("http://10.0.0.8/")
    await dialog.getByText("A private address. Start the server with --allow-private-destinations").waitFor()
    await url.fill("http://example.com/")
    await dialog.getByText("Without TLS everybody on the way can read the events.").waitFor()
  })

  it("tests before anything is saved, shows the reply, and saves what was tested", async () => {
    const { page, standIn, dialog } = await opened()
    await dialog.getByLabel("Webhook URL").fill("https://hooks.lantern-bi.example/401")
    await dialog.getByRole("button", { name: "Send test event" }).click()
    await dialog.getByText("it asks for a signature").waitFor()
    await dialog.getByLabel("Webhook URL").fill("https://hooks.lantern-bi.example/events")
    expect(await dialog.getByText("it asks for a signature").count()).toBe(0)
    await dialog.getByRole("button", { name: "Send test event" }).click()
    await dialog.getByText("Resolves to 203.0.113.9, a public address.").waitFor()
    await dialog.getByText("DNS 3 ms · connect 12 ms").waitFor()
    expect(standIn.asked.map(({ path }) => path)).not.toContain("destinations/add")

    const secret = await dialog.locator(".secret-line code").textContent()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    await dialog.getByLabel("the oldest event kept").check()
    await dialog.getByRole("button", { name: "Enable" }).click()
    await page.getByText(/lantern-bi is enabled/).waitFor()
    expect(standIn.asked.find(({ path }) => path === "destinations/add")?.input).toEqual({
      destination: {
        id: "lantern-bi",
        url: "https://hooks.lantern-bi.example/events",
        from: "earliest",
        signing: { standardWebhooks: [secret] },
      },
    })
  })

  it("shows receivers that read the secret from its variable", async () => {
    const { dialog } = await opened()
    for (const language of ["Express", "Python", "Go"]) {
      await dialog.getByRole("radio", { name: language }).check()
      await dialog.locator(".code").filter({ hasText: "MILLRACE_SECRET" }).waitFor()
    }
  })

  it("keeps what was typed when the server refuses it, with the message at the field", async () => {
    const { standIn, dialog } = await opened()
    standIn.fail("destinations/add", 400, "url: is refused: 10.0.0.8 is a private address")
    await dialog.getByLabel("Webhook URL").fill("https://inner.example/")
    await dialog.getByRole("button", { name: "Enable" }).click()
    await dialog.getByText("is refused: 10.0.0.8 is a private address").waitFor()
    expect(await dialog.getByLabel("Webhook URL").inputValue()).toBe("https://inner.example/")
  })

  it("takes a filter along that was chosen before", async () => {
    const { page, standIn, dialog } = await opened()
    await dialog.getByLabel("Webhook URL").fill("https://a.lantern.example/")
    await dialog.getByRole("button", { name: "Event Filtering" }).click()
    const filter = page.getByRole("dialog", { name: "Event Filtering" })
    await filter.getByLabel("Exposures").uncheck()
    await filter.getByRole("button", { name: "Save" }).click()
    await dialog.getByText("Exposures: left out.").waitFor()
    await dialog.getByRole("button", { name: "Enable" }).click()
    await page.getByText(/lantern is enabled/).waitFor()
    expect(standIn.asked.find(({ path }) => path === "destinations/add")?.input).toMatchObject({
      destination: { id: "lantern", filter: { categories: { exposures: false } } },
    })
  })
})
