import { existsSync } from "node:fs"
import { cpus } from "node:os"

export const print = (line: string): void => void process.stdout.write(`${line}\n`)

export const machine = (): string =>
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}`

export const quantile = (numbers: Iterable<number>, q: number): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * q), sorted.length - 1)] ?? Number.NaN
}

export const median = (numbers: Iterable<number>): number => quantile(numbers, 0.5)

/** `1.23 [1.10-1.40]`: the median, and the least and the greatest. */
export const spread = (numbers: ReadonlyArray<number>, digits = 2): string =>
  `${median(numbers).toFixed(digits)} [${Math.min(...numbers).toFixed(digits)}-${Math.max(...numbers).toFixed(digits)}]`

/** A command prefix that keeps a process on one core, where that can be done. */
export const pin = (core: number): ReadonlyArray<string> =>
  existsSync("/usr/bin/taskset") && cpus().length > 1 ? ["/usr/bin/taskset", "-c", String(core)] : []
