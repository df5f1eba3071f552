import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("Event Filtering", (open) => {
  const opened = async (id = "growth-crm") => {
    const visit = await open({ at: `#/destinations/${id}` })
    await visit.page.getByRole("button", { name: "Event Filtering" }).click()
    const dialog = visit.page.getByRole("dialog", { name: "Event Filtering" })
    await dialog.getByText("would be sent").waitFor()
    return { ...visit, dialog }
  }

  it("has Statsig's words", async () => {
    const { dialog } = await opened()
    for (const text of [
      "Events fired when a user is exposed to a gate (statsig::gate_exposure), experiment (statsig::experiment_exposure) or dynamic config (statsig::config_exposure).",
      "Events fired when an experiment is changed via the Statsig console. This comes in the form statsig::config_change",
      "Events fired via a Statsig client SDK or the log_event API endpoint.",
      "Include new events by default",
      "Volume (Last Day)",
    ]) {
      expect(await dialog.getByText(text, { exact: true }).count()).toBe(1)
    }
    const table = dialog.getByRole("table", { name: "Custom events" })
    expect(await table.getByRole("columnheader").allTextContents()).toEqual([
      "Tracking",
      "Event",
      "Volume (Last Day)",
    ])
  })

  it("says against now what a tick would do, after a rest", async () => {
    const { dialog, standIn } = await opened()
    await dialog.getByText("as now, about").waitFor()
    await dialog.getByLabel("Track search_performed").check()
    await dialog.getByText(/^\+\d+ against now, about/).waitFor()
    await dialog.getByText("Not saved. Applies to the 1,498 events that wait, and what comes.").waitFor()
    const tried = standIn.asked.filter(({ path }) => path === "destinations/try-filter")
    expect(tried.at(-1)?.input).toMatchObject({ limit: 10_000 })
  })

  it("ticks all names that are shown, or none, and says when it is some", async () => {
    const { dialog } = await opened()
    const all = dialog.getByLabel("Track all events shown")
    expect(await all.evaluate((box) => (box as HTMLInputElement).indeterminate)).toBe(true)
    await dialog.getByLabel("Search events").fill("checkout")
    expect(await all.isChecked()).toBe(true)
    await all.uncheck()
    expect(await dialog.getByLabel("Track checkout_completed").isChecked()).toBe(false)
    await dialog.getByLabel("Search events").fill("")
    expect(await dialog.getByLabel("Track add_to_cart").isChecked()).toBe(true)
    await dialog.getByLabel("Search events").fill("nothing like it")
    await dialog.getByText(`No event's name has "nothing like it" in it.`).waitFor()
  })

  it("saves what was changed, with what it was made from", async () => {
    const { page, dialog, standIn } = await opened()
    const save = dialog.getByRole("button", { name: "Save" })
    expect(await save.getAttribute("title")).toBe("Nothing is changed.")
    await dialog.getByLabel("Track page_viewed").check()
    await save.click()
    await page.getByText("Saved: growth-crm gets what passes from its place on").waitFor()
    const asked = standIn.asked.find(({ path }) => path === "destinations/change")?.input
    expect(asked).toMatchObject({
      id: "growth-crm",
      expected: "1",
      changes: {
        filter: { customEvents: { page_viewed: true }, where: { all: [{ in: ["DE", "AT", "CH"] }] } },
      },
    })
  })

  it("keeps the input when somebody else has changed it meanwhile", async () => {
    const { page, dialog, standIn } = await opened()
    await dialog.getByLabel("Track page_viewed").check()
    standIn.pages.changeElsewhere("growth-crm")
    await dialog.getByRole("button", { name: "Save" }).click()
    await dialog.getByText("Somebody else has changed it meanwhile.").waitFor()
    expect(await dialog.getByLabel("Track page_viewed").isChecked()).toBe(true)
    await dialog.getByRole("button", { name: "Keep mine" }).click()
    await dialog.getByRole("button", { name: "Save" }).click()
    await page.getByText("Saved: growth-crm gets what passes from its place on").waitFor()
    expect(standIn.asked.filter(({ path }) => path === "destinations/change").at(-1)?.input).toMatchObject({
      expected: "99",
      changes: { filter: { customEvents: { page_viewed: true }, sample: 1 } },
    })
  })

  it("puts a mistake at its field", async () => {
    const { dialog } = await opened()
    await dialog.getByLabel("Field of rule 1").fill("nonsense")
    await dialog.getByText("expected a path that begins with one of eventName, user").waitFor()
    expect(await dialog.getByLabel("Field of rule 1").getAttribute("aria-invalid")).toBe("true")
    await dialog.getByLabel("Field of rule 1").fill("user.country")
    await dialog.getByText("expected a path that begins with").waitFor({ state: "detached" })
    await dialog.getByLabel("Sample", { exact: true }).fill("many")
    await dialog.getByText("expected 0 to 100").waitFor()
    expect(await dialog.getByRole("button", { name: "Save" }).getAttribute("title")).toBe(
      "The filter has a mistake.",
    )
  })

  it("takes rules that are more than rows as JSON, and back", async () => {
    const { dialog } = await opened()
    await dialog.getByRole("button", { name: "as JSON, with any and not" }).click()
    const json = dialog.getByLabel("The rule over fields, as JSON")
    expect(JSON.parse(await json.inputValue())).toEqual({
      all: [{ field: "user.country", in: ["DE", "AT", "CH"] }],
    })
    await json.fill('{"any": [{"field": "value", "gt": 5}]}')
    const asRows = dialog.getByRole("button", { name: "As rows" })
    expect(await asRows.getAttribute("title")).toBe("Rows can only say rules that must all hold.")
    await json.fill('{"field": "value", "gt": 5}')
    await asRows.click()
    expect(await dialog.getByLabel("Value of rule 1").inputValue()).toBe("5")
  })

  it("saves nothing of a destination that the configuration has, and copies it instead", async () => {
    const { dialog } = await opened("fraud-scoring")
    expect(await dialog.getByRole("button", { name: "Save" }).count()).toBe(0)
    await dialog.getByRole("button", { name: "Copy as JSON" }).waitFor()
    await dialog.getByText("try it here, then copy the JSON there").waitFor()
  })

  it("shows names as text, whatever is in them", async () => {
    const { dialog } = await opened()
    await dialog.getByText("<img src=x onerror=alert(1)>").first().waitFor()
    await dialog.getByText("refund\\u202Edeussi").first().waitFor()
  })

  it("lets everything else be chosen when the names of the day cannot be had", async () => {
    const { page } = await open({
      at: "#/destinations/growth-crm",
      failing: { "names/list": [503, "the store does not answer"] },
    })
    await page.getByRole("button", { name: "Event Filtering" }).click()
    const dialog = page.getByRole("dialog", { name: "Event Filtering" })
    await dialog.getByText("The names of the last day could not be loaded.").waitFor()
    await dialog.getByText("the store does not answer").waitFor()
    expect(await dialog.getByLabel("Track checkout_completed").isChecked()).toBe(true)
  })

  it("opens by a key, and fits a narrow screen", async () => {
    const { page } = await open({ at: "#/destinations/growth-crm", width: 400 })
    await page.getByRole("heading", { level: 1 }).waitFor()
    await page.keyboard.press("f")
    await page.getByRole("dialog", { name: "Event Filtering" }).getByText("would be sent").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(400)
  })
})
