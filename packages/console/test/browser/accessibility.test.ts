import axe from "axe-core"
import type { Locator, Page } from "playwright-core"
import { expect, it } from "vitest"
import { describeConsole, type Served, send, startMillrace } from "./support/console.ts"
import { expectFocus, goesRound, tabTo } from "./support/keyboard.ts"
import { type Receiver, startReceiver } from "./support/receiver.ts"
import { act, refusing, sendWrongly, soon, times } from "./support/world.ts"

const wide = { width: 1440, height: 1000 }
const narrow = { width: 400, height: 860 }

/** Something of everything: what flows, what is refused, what fails, and who sent wrongly. */
const startWorld = async (): Promise<Served & { readonly receiver: Receiver }> => {
  const receiver = await startReceiver()
  const down = await startReceiver()
  refusing(receiver, "checkout", "unknown attribute")
  // Quick until it counts as failing; then it asks for patience, and all stays as it is.
  down.answer = () => ({
    ...{ status: 503, body: "down" },
    headers: down.received.length < 3 ? {} : { "retry-after": "3000" },
  })
  const served = await startMillrace()
  const { millrace, origin } = served
  await millrace.addDestination({ id: "warehouse", url: receiver.url, ...soon })
  await millrace.addDestination({
    id: "billing",
    url: down.url,
    ...soon,
    retry: { first: 10, max: "1 hour" },
  })
  await act(origin, "keys/create", { name: "web shop", kind: "client" })
  await send(origin, [
    ...times(2, "checkout"),
    ...times(4, "purchase"),
    ...times(1, "statsig::gate_exposure"),
  ])
  await sendWrongly(origin)
  return { ...served, receiver }
}

interface State {
  readonly name: string
  readonly at: string
  /** What is there once it is drawn. */
  readonly until: (page: Page) => Locator
  readonly open?: (page: Page) => Promise<void>
  readonly isDialog?: boolean
}

const heading = (name: string | RegExp) => (page: Page) => page.getByRole("heading", { name }).first()

const states: ReadonlyArray<State> = [
  { name: "Overview", at: "#/overview", until: heading(/^warehouse refuses checkout/) },
  {
    name: "Live",
    at: "#/live",
    until: (page) => page.getByRole("row").filter({ hasText: "purchase" }).first(),
  },
  {
    name: "an event",
    at: "#/live?name=purchase",
    open: (page) => page.getByRole("row").filter({ hasText: "purchase" }).first().click(),
    until: heading("Where it is"),
  },
  { name: "Destinations", at: "#/destinations", until: (page) => page.getByRole("row", { name: /billing/ }) },
  { name: "a destination", at: "#/destinations/billing", until: heading("Tries of the batch at the head") },
  {
    name: "Attempts",
    at: "#/destinations/warehouse/attempts",
    until: (page) => page.getByRole("row").filter({ hasText: "422" }).first(),
  },
  {
    name: "Event filtering",
    at: "#/destinations/warehouse/filter",
    until: (page) => page.getByText(/events passed/),
  },
  {
    name: "Settings",
    at: "#/destinations/warehouse/settings",
    until: (page) => page.getByText("Rate limit"),
  },
  {
    name: "Dead letters",
    at: "#/dead-letters",
    until: (page) => page.getByRole("checkbox", { name: /^Choose [0-9a-f]{8}-/ }).first(),
  },
  { name: "Health", at: "#/health", until: (page) => page.getByText("secret-", { exact: false }).first() },
  { name: "Keys", at: "#/keys", until: (page) => page.getByRole("row", { name: /web shop/ }) },
  {
    name: "Connect a webhook",
    at: "#/destinations",
    open: (page) => page.getByRole("button", { name: "Connect a webhook" }).click(),
    until: (page) => page.getByRole("dialog", { name: "Connect a webhook" }),
    isDialog: true,
  },
  {
    name: "Event Filtering",
    at: "#/destinations/warehouse",
    open: async (page) => {
      await page.getByRole("button", { name: "Event Filtering" }).first().click()
      await page.getByText("More rules").click()
    },
    until: (page) => page.getByText(/would be sent/),
    isDialog: true,
  },
]

/** What axe-core has against the page as it is now, in a line each. */
const problems = (page: Page, only?: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  page.evaluate(
    async (rules) => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
        resultTypes: ["violations"],
        ...(rules === undefined
          ? { rules: { "target-size": { enabled: true } } }
          : { runOnly: { type: "rule", values: [...rules] } }),
      })
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
      )
    },
    only === undefined ? undefined : [...only],
  )

const running = (page: Page): Promise<ReadonlyArray<string>> =>
  page.evaluate(() =>
    document
      .getAnimations()
      .filter(({ playState }) => playState === "running")
      .map(({ effect }) => {
        const { target } = effect as KeyframeEffect
        return target?.getAttribute("class") ?? String(target)
      }),
  )

/** Colours differ by theme, layouts by width: all is tried twice, colours four times. */
const tryAll = async (page: Page, name: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const put = (how: string, all: ReadonlyArray<string>) =>
    found.push(...all.map((problem) => `${name}, ${how}: ${problem}`))
  for (const size of [wide, narrow]) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme: "light" })
    put(`${size.width} px, light`, await problems(page, size === wide ? undefined : ["color-contrast"]))
    await page.emulateMedia({ colorScheme: "dark" })
    put(`${size.width} px, dark`, await problems(page, size === wide ? ["color-contrast"] : undefined))
    const broad = await page.evaluate(() => document.documentElement.scrollWidth)
    put(`${size.width} px`, broad > size.width ? [`it scrolls sideways: ${broad} px`] : [])
    put("reduced motion", await running(page))
  }
  await page.setViewportSize(wide)
  return found
}

describeConsole("the console, for everybody,", (open) => {
  it("has nothing that axe-core finds, in both themes, on wide screens and narrow ones, and without motion", async () => {
    const { url } = await startWorld()
    const { page } = await open({ url, script: axe.source })
    const found: Array<string> = []
    for (const { name, at, until, open: further, isDialog = false } of states) {
      await page.goto(`${url}${at}`)
      await further?.(page)
      await until(page).waitFor()
      found.push(...(await tryAll(page, name)))
      if (!isDialog) continue
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
    }
    expect(found).toEqual([])
    // Whoever wants motion has it.
    await page.emulateMedia({ reducedMotion: "no-preference" })
    await page.goto(`${url}#/overview`)
    await heading(/^warehouse refuses checkout/)(page).waitFor()
    expect(await running(page)).toContain("beat")
  })

  it("has nothing that axe-core finds before anything flows, and before anybody is signed in", async () => {
    const { url } = await startMillrace()
    const { page } = await open({ url, token: null, script: axe.source })
    await page.getByLabel("Admin token").waitFor()
    expect(await tryAll(page, "Sign in")).toEqual([])
    const { page: first } = await open({ url, script: axe.source })
    await heading("Nothing flows yet.")(first).waitFor()
    expect(await tryAll(first, "First steps")).toEqual([])
  })

  it("connects a webhook by the keyboard alone", async () => {
    const receiver = await startReceiver()
    const { origin, url } = await startMillrace()
    await send(origin, times(1, "before"))
    const { page } = await open({ url, at: "#/destinations" })
    const connect = page.getByRole("button", { name: "Connect a webhook" }).first()
    await connect.waitFor()
    await tabTo(page, connect)
    await page.keyboard.press("Enter")
    const box = page.getByRole("dialog", { name: "Connect a webhook" })
    await box.waitFor()
    await expectFocus(box.getByLabel("Webhook URL"))
    await goesRound(page, box.getByLabel("Webhook URL"))
    await page.keyboard.press("Escape")
    await box.waitFor({ state: "detached" })
    await expectFocus(connect)

    await page.keyboard.press("Enter")
    await expectFocus(box.getByLabel("Webhook URL"))
    await page.keyboard.type(receiver.url)
    await tabTo(page, box.getByLabel("Name", { exact: true }))
    await page.keyboard.press("Control+a")
    await page.keyboard.type("warehouse")
    await tabTo(page, box.getByLabel("what comes from now on"))
    await page.keyboard.press("ArrowDown")
    expect(await box.getByLabel("the oldest event kept").isChecked()).toBe(true)
    await tabTo(page, box.getByRole("button", { name: "Enable" }))
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { level: 1, name: /^warehouse/ }).waitFor()
    // What is read next is the new page.
    await expectFocus(page.getByRole("main"))
    await receiver.until(() => receiver.taken().length === 1)
    expect(receiver.taken()).toEqual(["before"])
  })

  it("chooses events by the keyboard alone", async () => {
    const receiver = await startReceiver()
    const { millrace, origin, url } = await startMillrace()
    await millrace.addDestination({ id: "warehouse", url: receiver.url, ...soon })
    const mix = [...times(2, "purchase"), ...times(2, "page_view"), ...times(1, "statsig::gate_exposure")]
    await send(origin, mix)
    await receiver.until(() => receiver.taken().length === mix.length)
    const { page } = await open({ url, at: "#/destinations/warehouse" })
    const filtering = page.getByRole("button", { name: "Event Filtering" }).first()
    await filtering.waitFor()
    await tabTo(page, filtering)
    await page.keyboard.press("Enter")
    const box = page.getByRole("dialog", { name: "Event Filtering" })
    const exposures = box.getByRole("checkbox", { name: /^Exposures/ })
    await box.getByText("as now").waitFor()
    await expectFocus(exposures)
    await goesRound(page, exposures)
    await page.keyboard.press("Escape")
    await box.waitFor({ state: "detached" })
    await expectFocus(filtering)

    await page.keyboard.press("Enter")
    await expectFocus(exposures)
    await page.keyboard.press("Space")
    await tabTo(page, box.getByRole("checkbox", { name: "Track page_view" }))
    await page.keyboard.press("Space")
    await tabTo(page, box.getByRole("button", { name: "Save" }))
    await page.keyboard.press("Enter")
    await box.waitFor({ state: "detached" })
    await expectFocus(filtering)
    await send(origin, [...mix, ...times(1, "last")])
    await receiver.until(() => receiver.taken().includes("last"))
    expect(receiver.taken().slice(mix.length)).toEqual(["purchase", "purchase", "last"])
  })

  it("replays dead letters by the keyboard alone", async () => {
    const { url, receiver } = await startWorld()
    const { page } = await open({ url, at: "#/dead-letters?destination=warehouse" })
    const replay = page.getByRole("button", { name: "Replay 2 to warehouse" })
    await replay.waitFor()
    await tabTo(page, replay)
    await page.keyboard.press("Enter")
    const box = page.getByRole("dialog", { name: "Replay 2 dead letters to warehouse?" })
    await box.waitFor()
    // The harmless button has the focus.
    await expectFocus(box.getByRole("button", { name: "Cancel" }))
    await goesRound(page, box.getByRole("button", { name: "Cancel" }))
    await page.keyboard.press("Enter")
    await box.waitFor({ state: "detached" })
    await expectFocus(replay)

    receiver.answer = () => ({ status: 200 })
    await page.keyboard.press("Enter")
    await expectFocus(box.getByRole("button", { name: "Cancel" }))
    await tabTo(page, box.getByRole("button", { name: "Replay 2" }))
    await page.keyboard.press("Enter")
    await receiver.until(() => receiver.taken().filter((name) => name === "checkout").length === 2)
    await page.getByText("2 of them replayed and taken").waitFor()
  })
})
