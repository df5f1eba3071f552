import { expect, it } from "vitest"
import { describeConsole } from "./support/console.ts"
import { makeScales, noteLongTasks, takeLongTasks, toldFrom } from "./support/pageLoad.ts"
import { serve } from "./support/serve.ts"
import { startTraffic } from "./support/traffic.ts"

/** Events a second: what is promised, and what a page has no trouble with. */
const many = 5_000
const few = 100

/** How often the longest task may be as long as with few events. */
const mostTimesLonger = 3

/** How much more the heap may hold in the end than after a third of the time. */
const mostGrowth = 1.25

/** Rows that the page keeps in the document, with that of its head. */
const mostRows = 46

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1_000))

const longest = (tasks: ReadonlyArray<number>): number => Math.max(toldFrom, ...tasks)

const figure = (text: string): void => void process.stdout.write(`live view: ${text}\n`)

const shownIn = (says: string) => {
  const [, rate = "", of = ""] =
    /^([\d,.]+) a second, 1 of ([\d,]+) shown; narrow it down to see every match$/.exec(says) ?? []
  return { rate: Number(rate.replaceAll(",", "")), of: Number(of.replaceAll(",", "")) }
}

describeConsole("while thousands of events arrive a second, the live view", (open) => {
  it("stays quick and small, and says what it leaves out", { timeout: 240_000 }, async () => {
    const { origin, url } = await serve()
    const traffic = startTraffic(origin)
    traffic.at(few)
    const { page } = await open({ url, at: "#/live", script: noteLongTasks })
    await page.getByRole("row").nth(5).waitFor()
    const weigh = await makeScales(page)
    const count = page.locator(".live-count")
    const rows = () => page.locator(".live-row").count()

    await seconds(5)
    await takeLongTasks(page)
    await seconds(15)
    const calm = await takeLongTasks(page)

    const before = traffic.stored()
    traffic.at(many)
    await seconds(20)
    const first = await takeLongTasks(page)
    const third = await weigh()
    await takeLongTasks(page)
    await seconds(40)
    const rest = await takeLongTasks(page)
    const arrived = (traffic.stored() - before) / 60
    const says = await count.textContent()
    const whole = await weigh()
    const busy = [...first, ...rest]

    figure(`${Math.round(arrived)} events/s arrived, of ${many} that were sent`)
    figure(`longest task ${Math.round(longest(calm))} ms at ${few}/s, ${Math.round(longest(busy))} ms since`)
    figure(`${busy.filter((task) => task > 100).length} tasks over 100 ms in 60 s`)
    figure(`heap ${(third.heap / 1e6).toFixed(1)} MB at 20 s, ${(whole.heap / 1e6).toFixed(1)} MB at 60 s`)
    figure(`${whole.elements} elements; "${says}"`)

    expect(longest(busy)).toBeLessThanOrEqual(longest(calm) * mostTimesLonger)
    expect(whole.heap / third.heap).toBeLessThan(mostGrowth)
    expect(whole.elements / third.elements).toBeLessThan(mostGrowth)
    expect(await rows()).toBeLessThanOrEqual(mostRows)
    // What it says is what happens: of the events of a frame one is shown.
    const shown = shownIn(says ?? "")
    expect(shown.rate / arrived).toBeGreaterThan(0.5)
    expect(shown.rate / arrived).toBeLessThan(2)
    expect(shown.of / (shown.rate / 4)).toBeGreaterThan(0.3)
    expect(shown.of / (shown.rate / 4)).toBeLessThan(3)

    // All of it matches: as many rows come as a view is ever told.
    await takeLongTasks(page)
    await page.goto(`${url}#/live?name=*`)
    await page.getByText(/matches (are|is) shown/).waitFor()
    await seconds(15)
    const narrowed = await takeLongTasks(page)
    figure(`narrowed down, longest task ${Math.round(longest(narrowed))} ms; "${await count.textContent()}"`)
    expect(longest(narrowed)).toBeLessThanOrEqual(longest(calm) * mostTimesLonger)
    expect(await rows()).toBeLessThanOrEqual(mostRows)
  })
})
