import { monitorEventLoopDelay } from "node:perf_hooks"

/** How late a process came to its next task, in seconds. */
export interface LoopDelay {
  readonly p99: number
  readonly max: number
}

/** ms between two looks at the clock. */
const resolution = 20

/** Two scrapers that ask one after the other are told the same, so that neither misses anything. */
const keptFor = 5_000

/**
 * Measures from now on, and costs fifty looks at the clock a second. It does not keep the process
 * alive.
 *
 * @returns tells of the time since it was asked before
 */
export const measureLoopDelay = (now: () => number = () => performance.now()): (() => LoopDelay) => {
  const measured = monitorEventLoopDelay({ resolution })
  measured.enable()
  /** A delay is measured from one look to the next. */
  const secondsOf = (nanos: number): number => Math.max(nanos / 1e9 - resolution / 1e3, 0)
  let told: { readonly at: number; readonly delay: LoopDelay } | null = null
  return () => {
    const at = now()
    if (told !== null && at - told.at < keptFor) return told.delay
    const delay =
      measured.count === 0
        ? { p99: 0, max: 0 }
        : { p99: secondsOf(measured.percentile(99)), max: secondsOf(measured.max) }
    measured.reset()
    told = { at, delay }
    return delay
  }
}
