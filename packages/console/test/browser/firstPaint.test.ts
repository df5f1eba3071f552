import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { describeConsole, send, startMillrace } from "./support/console.ts"

/** The page, its script and its style sheet. */
const mostRequests = 3

/** Bytes of them, compressed: what `npm run size` allows, and the page itself. */
const mostBytes = 42 * 1024

interface Load {
  /** ms from the click to the first text, as the browser tells. */
  readonly painted: number
  /** The page's files that were asked for before that; nothing waits for its icon. */
  readonly files: ReadonlyArray<{ readonly name: string; readonly bytes: number }>
}

const loadOf = (page: Page): Promise<Load> =>
  page.evaluate(() => {
    const [{ startTime: painted } = { startTime: Number.POSITIVE_INFINITY }] =
      performance.getEntriesByName("first-contentful-paint")
    const entries = [
      ...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource"),
    ] as ReadonlyArray<PerformanceEntry> as ReadonlyArray<PerformanceResourceTiming>
    const files = entries
      .filter(({ name, startTime }) => startTime < painted && !/\/admin\/|icon/.test(name))
      .map(({ name, encodedBodySize }) => ({ name: name.split("/").at(-1)!, bytes: encodedBodySize }))
    return { painted, files }
  })

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

describeConsole("before the console's first paint", (open) => {
  it("three small files have to come, and nothing else", async () => {
    const { origin, url } = await startMillrace()
    await send(origin, [{ eventName: "purchase" }])
    const loads: Array<Load> = []
    for (let visits = 0; visits < 5; visits++) {
      // Each in a browser that has none of it.
      const { page, context } = await open({ url })
      await page.getByRole("heading", { level: 1 }).waitFor()
      const load = await loadOf(page)
      expect(load.painted).toBeLessThan(Number.POSITIVE_INFINITY)
      loads.push(load)
      await context.close()
    }
    for (const { files } of loads) {
      expect(files.length).toBeLessThanOrEqual(mostRequests)
      expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(mostBytes)
    }
    const [first] = loads
    const kibibytes = (first!.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1024).toFixed(1)
    process.stdout.write(
      `first paint: ${Math.round(median(loads.map(({ painted }) => painted)))} ms (median of ${loads.length}), after ${first!.files.length} files of ${kibibytes} KiB\n`,
    )
  })
})
