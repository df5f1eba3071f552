import { expect, it } from "vitest"
import { describePage } from "../support/browser.ts"

describePage("dead letters", (open) => {
  const asked = (
    standIn: { readonly asked: ReadonlyArray<{ path: string; input: unknown }> },
    path: string,
  ) => standIn.asked.filter((one) => one.path === path).map(({ input }) => input)

  it("replays a cause in two clicks, with its number before, and shows how it goes", async () => {
    const { page, standIn } = await open({ at: "#/dead-letters" })
    await page.getByText("438 events for 6 causes.").waitFor()
    await page.getByRole("button", { name: "Replay 198 to growth-crm" }).click()
    const dialog = page.getByRole("dialog", { name: "Replay 198 dead letters to growth-crm?" })
    await dialog.getByRole("button", { name: "Replay 198" }).click()
    await page.getByText("Replaying dead letters to growth-crm", { exact: true }).waitFor()
    await page
      .getByText(/\d+ delivered, \d+ refused again, \d+ left\./)
      .first()
      .waitFor()
    expect(asked(standIn, "dead-letters/begin-replay")).toEqual([
      {
        destination: "growth-crm",
        cause: {
          reason: "refused",
          pattern: 'answered 422: {"error":"unknown attribute: loyalty_tier"}',
          status: 422,
        },
      },
    ])
    await page.getByRole("button", { name: "Stop" }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click()
    await page.getByText("Stopped replaying dead letters to growth-crm", { exact: true }).waitFor()
  })

  it("purges exactly what is chosen", async () => {
    const { page, standIn } = await open({ at: "#/dead-letters" })
    const boxes = page.getByRole("checkbox", { name: /^Choose [0-9a-f]{8}-/ })
    await boxes.first().check()
    await boxes.nth(1).check()
    await page.getByLabel("Choose all 12 of this cause").check()
    await page.getByText("14 letters").waitFor()
    await page.getByRole("button", { name: "Purge 14" }).click()
    await page
      .getByRole("dialog", { name: "Purge 14 dead letters?" })
      .getByRole("button", { name: "Purge 14" })
      .click()
    await page.getByText("424 events for 5 causes.").waitFor()
    const [cause, letters] = asked(standIn, "dead-letters/purge-chosen") as [
      object,
      { eventIds: Array<string> },
    ]
    expect(cause).toMatchObject({ destination: "warehouse", cause: { reason: "poison" } })
    expect(letters.eventIds).toHaveLength(2)
    expect(await page.getByRole("button", { name: /^Purge/ }).count()).toBe(0)
  })

  it("says why those of intake cannot be replayed, and lets them be purged", async () => {
    const { page, standIn } = await open({ at: "#/dead-letters?destination=intake" })
    await page.getByText("37 events for 1 cause.").waitFor()
    expect(await page.getByRole("button", { name: /^Replay/ }).count()).toBe(0)
    await page.getByLabel("Choose all 37 of this cause").check()
    const replay = page.getByRole("button", { name: "Replay 37" })
    expect(await replay.getAttribute("title")).toContain("it never was an event")
    await replay.press("Enter")
    expect(asked(standIn, "dead-letters/begin-replay")).toEqual([])
  })

  it("lists few letters of a cause at first, and more when asked", async () => {
    const { page } = await open({ at: "#/dead-letters?destination=growth-crm" })
    await page.getByText("8 of 198.").waitFor()
    await page.getByRole("button", { name: "Show more" }).click()
    await page.getByText("108 of 198.").waitFor()
    expect(await page.getByRole("checkbox", { name: /^Choose [0-9a-f]{8}-/ }).count()).toBe(108)
  })

  it("shows a letter, and hides users' values where somebody looks over the shoulder", async () => {
    const { page } = await open({ at: "#/dead-letters" })
    await page.getByRole("button", { name: /^View/ }).first().click()
    const dialog = page.getByRole("dialog", { name: "checkout_completed" })
    await dialog.getByText("unknown attribute: loyalty_tier").waitFor()
    await dialog.getByText("a\\u202Eb").waitFor()
    await page.keyboard.press("Escape")
    await page.keyboard.press("h")
    expect(await page.getByText(/^u_\d+$/).count()).toBe(0)
  })

  it("says that there are none", async () => {
    const { page } = await open({ at: "#/dead-letters", scenario: "first-run" })
    await page.getByText("No dead letters.").waitFor()
  })

  it("says what could not be loaded, and tries again", async () => {
    const { page, standIn } = await open({ at: "#/health" })
    standIn.fail("dead-letters/causes", 503, "the store does not answer: disk I/O error")
    await page
      .getByRole("link", { name: /Dead letters/ })
      .first()
      .click()
    await page.getByText("the store does not answer: disk I/O error").waitFor()
    standIn.mend()
    await page.getByRole("button", { name: "Try again" }).click()
    await page.getByText("438 events for 6 causes.").waitFor()
  })

  it.each([320, 400])("does not scroll sideways at %i px", async (width) => {
    const { page } = await open({ at: "#/dead-letters", width })
    await page.getByText("8 of 198.").waitFor()
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
  })
})
