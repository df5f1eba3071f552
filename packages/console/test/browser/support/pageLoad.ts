import type { Page } from "playwright-core"

/** Runs in the page before anything else, and notes what kept it from answering. */
export const noteLongTasks = `
  window.longTasks = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration)
  }).observe({ type: "longtask" })
`

/** The browser tells of tasks that are longer, in ms. */
export const toldFrom = 50

interface Noting {
  longTasks: Array<number>
}

/** What has been noted since the last time, in ms, and forgets it. */
export const takeLongTasks = (page: Page): Promise<ReadonlyArray<number>> =>
  page.evaluate(() => (globalThis as unknown as Noting).longTasks.splice(0))

export interface Weight {
  /** Bytes of JavaScript's heap in use, after what nobody needs was collected. */
  readonly heap: number
  readonly elements: number
}

/** Collects first, so that what is left is what the page holds. */
export const makeScales = async (page: Page): Promise<() => Promise<Weight>> => {
  const session = await page.context().newCDPSession(page)
  await session.send("HeapProfiler.enable")
  return async () => {
    // What the first collection makes unreachable goes with the second.
    await session.send("HeapProfiler.collectGarbage")
    await session.send("HeapProfiler.collectGarbage")
    const { usedSize } = await session.send("Runtime.getHeapUsage")
    const elements = await page.evaluate(() => document.getElementsByTagName("*").length)
    return { heap: usedSize, elements }
  }
}
