import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { describeConsole, key, send, startMillrace } from "./support/console.ts"
import { startReceiver } from "./support/receiver.ts"
import { act, refusing, sendWrongly, soon } from "./support/world.ts"

/** What somebody may call an event, a user, a key, or anything else, and how it is to be read. */
const names = [
  `<img src=x onerror="window.hacked=1">`,
  `"><script>window.hacked=1</script>`,
  "javascript:window.hacked=1",
  "refund\u202Edeussi\u2066",
  "bell\u0007 red\u001B[31m\u0000",
] as const

const read = [
  names[0],
  names[1],
  names[2],
  "refund\\u202Edeussi\\u2066",
  "bell\\u0007 red\\u001B[31m\\u0000",
] as const

const all = names.join(" ")

const megabyte = 1_000_000

/** What must not be there, whatever is shown: a line for each. */
const wrongs = (page: Page): Promise<ReadonlyArray<string>> =>
  page.evaluate(() => {
    const found: Array<string> = []
    if ("hacked" in window) found.push("something was run")
    const ours = new URL("assets/", location.href).href
    for (const one of document.querySelectorAll("img, iframe, object, embed, base, form, script")) {
      if (!(one instanceof HTMLScriptElement && one.src.startsWith(ours)))
        found.push(one.outerHTML.slice(0, 200))
    }
    for (const one of document.querySelectorAll("*")) {
      for (const { name, value } of one.attributes)
        if (/^on/i.test(name) || (/href|src|action|data$/.test(name) && /^\s*\w*script:|^data:/i.test(value)))
          found.push(`${one.tagName} ${name}=${value.slice(0, 100)}`)
    }
    for (const link of document.querySelectorAll("a")) {
      const address = link.getAttribute("href") ?? ""
      if (!address.startsWith("#/")) found.push(`a link to ${address.slice(0, 100)}`)
    }
    const unseen = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/u
    const text = document.body.innerText.replace(/[\n\t]/g, "")
    if (unseen.test(text))
      found.push(
        `unseen characters in: ${JSON.stringify(text.match(/.{0,40}[\p{Cc}\u2028-\u2069].{0,9}/u)?.[0])}`,
      )
    const { scrollWidth } = document.documentElement
    if (scrollWidth > innerWidth) found.push(`it scrolls sideways: ${scrollWidth} px of ${innerWidth}`)
    for (const box of document.querySelectorAll("dialog[open], .panel"))
      if (box.scrollWidth > box.clientWidth + 1) found.push(`${box.className} is broader than its place`)
    const elements = document.querySelectorAll("*").length
    if (elements > 5_000) found.push(`${elements} elements`)
    if (text.length > 300_000) found.push(`${text.length} characters`)
    return found
  })

describeConsole("what others have chosen", (open) => {
  it("is text on every page: nothing of it is run, nothing becomes markup, nothing is pushed aside", async () => {
    const receiver = await startReceiver()
    refusing(receiver, names[0], `${all} ${"y".repeat(megabyte)}`)
    const { millrace, origin, url } = await startMillrace()
    const address = `${receiver.url}/${encodeURI(names[0])}?${encodeURIComponent(names[3])}`
    const customEvents = Object.fromEntries(names.map((name) => [name, true]))
    await millrace.addDestination({ id: "warehouse", url: address, ...soon, filter: { customEvents } })
    await act(origin, "keys/create", { name: all.slice(0, 60), kind: "server" })
    const user = { userID: names[0], email: names[3], custom: { [names[1]]: names[4] } }
    const long = "w".repeat(megabyte)
    await send(origin, [
      ...names.map((eventName) => ({ eventName, user, value: all, metadata: { [names[0]]: all } })),
      { eventName: "n".repeat(1_000), user, value: long, metadata: { long } },
    ])
    await sendWrongly(origin, names[0])
    await fetch(`${origin}/v1/log_event`, {
      method: "POST",
      headers: { "content-type": "application/json", "statsig-api-key": key, "statsig-sdk-type": names[0] },
      body: JSON.stringify({
        events: [
          { eventName: names[1], user, time: "never" },
          { eventName: 5, value: all },
        ],
      }),
    })

    const { page } = await open({ url })
    const found: Array<string> = []
    const seen = new Set<string>()
    const look = async (where: string): Promise<void> => {
      for (const width of [1440, 400]) {
        await page.setViewportSize({ width, height: 900 })
        found.push(...(await wrongs(page)).map((wrong) => `${where}, ${width} px: ${wrong}`))
      }
      const text = await page.evaluate("document.body.innerText")
      for (const name of read) if (String(text).includes(name)) seen.add(`${where}: ${name}`)
      await page.setViewportSize({ width: 1440, height: 900 })
    }
    const visit = async (where: string, at: string, until: string | RegExp): Promise<void> => {
      await page.goto(`${url}${at}`)
      await page.getByText(until).filter({ visible: true }).first().waitFor()
      await look(where)
    }
    const close = async (): Promise<void> => {
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
    }
    const refused = /answered 422/

    await visit("Overview", "#/overview", refused)
    const box = page.getByRole("combobox")
    await box.fill(names[0])
    await page.getByRole("option", { name: "in the last day" }).first().waitFor()
    await look("Find")
    await box.press("Escape")

    await page.goto(`${url}#/live`)
    const rows = page.locator(".live-body .live-row:visible")
    for (const name of read) await rows.filter({ hasText: name }).first().waitFor()
    await look("Live")
    for (const name of read) {
      await rows
        .filter({ has: page.locator(".live-name", { hasText: name }) })
        .first()
        .click()
      const panel = page.getByRole("complementary")
      await panel.getByRole("heading", { level: 2, name, exact: true }).waitFor()
      await panel.getByText("Where it is").waitFor()
      await look(`the event ${name}`)
      await panel.getByRole("radio", { name: "As it came" }).check({ force: true })
      await panel.getByRole("region", { name: "The event as it came" }).waitFor()
      await look(`the event ${name} as it came`)
      await page.keyboard.press("Escape")
      await panel.waitFor({ state: "detached" })
    }
    await visit(
      "Live, narrowed",
      `#/live?user=${encodeURIComponent(names[0])}`,
      /^Looked at|events? from before/,
    )
    await visit(
      "Live, not found",
      `#/live?text=${encodeURIComponent(`${all} not there`)}`,
      "No such event is kept.",
    )

    await visit("Destinations", "#/destinations", "warehouse")
    await visit("a destination", "#/destinations/warehouse", /^Flowing/)
    await visit("Attempts", "#/destinations/warehouse/attempts", "Refused")
    await page.getByRole("row").filter({ hasText: "422" }).first().getByRole("button").first().click()
    await page.getByRole("dialog").getByRole("region", { name: "The reply" }).waitFor()
    await look("an attempt")
    await close()
    await visit("Event filtering", "#/destinations/warehouse/filter", "Custom Events")
    await page.getByRole("button", { name: "Event Filtering" }).first().click()
    await page.getByText(/would be sent/).waitFor()
    await look("Event Filtering")
    await close()
    receiver.answer = () => ({ status: 400, headers: { server: names[0] }, body: all })
    await page.getByRole("button", { name: "Send test event" }).click()
    await page.getByRole("dialog").getByRole("region", { name: "The reply" }).waitFor()
    await look("a test's reply")
    await close()
    await visit("Settings", "#/destinations/warehouse/settings", "Webhook URL")

    await visit("Dead letters", "#/dead-letters", refused)
    await page.getByRole("button", { name: /^View/ }).first().click()
    await page.getByRole("dialog").getByText("The event as it is kept.").waitFor()
    await look("a letter")
    await close()
    await visit("Rejected on arrival", "#/dead-letters?destination=intake", "Rejected on arrival")
    await page.getByRole("button", { name: /^View/ }).first().click()
    await page
      .getByRole("dialog")
      .getByText(/^What arrived/)
      .waitFor()
    await look("a letter of intake")
    await close()
    await visit("Health", "#/health", "Requests refused")
    await visit("Keys", "#/keys", "Server")
    await page
      .getByRole("button", { name: /^Revoke/ })
      .last()
      .click()
    await page.getByRole("dialog").waitFor()
    await look("a key that is revoked")
    await close()
    await page.goto(`${url}#/destinations/${encodeURIComponent(all)}`)
    await page.getByText("There is no destination of this name.").waitFor()
    await look("a destination that is not there")
    expect(found).toEqual([])
    // It was there to be seen, and is read as what it is.
    for (const where of ["Live", "Event Filtering", "a letter", "an attempt", "a test's reply", "Keys"])
      expect([...seen].filter((one) => one.startsWith(`${where}: `))).not.toEqual([])
  })

  it("opens an event of a mebibyte as its beginning, and all of it when asked", async () => {
    const { origin, url } = await startMillrace()
    const mebibyte = 1_048_576
    await send(origin, [{ eventName: "huge", metadata: { text: "a".repeat(mebibyte), last: "the end" } }])
    const { page } = await open({ url, at: "#/live" })
    await page.getByRole("row").filter({ hasText: "huge" }).first().click()
    const panel = page.getByRole("complementary")
    await panel.getByText(/^The first 64 KiB of 1 MiB\./).waitFor()
    expect((await panel.innerText()).length).toBeLessThan(80_000)
    expect(await panel.innerText()).not.toContain("the end")
    expect(await wrongs(page)).toEqual([])
    await panel.getByRole("button", { name: "Show all of it" }).click()
    await panel.getByText("the end").waitFor()
    // One value of it is a mebibyte: of that the beginning is shown.
    await panel.getByRole("button", { name: /[KM]iB more$/ }).waitFor()
    expect((await panel.innerText()).length).toBeLessThan(20_000)
    expect(await wrongs(page)).toEqual([])
  })
})
