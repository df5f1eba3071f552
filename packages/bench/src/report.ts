import { writeFileSync } from "node:fs"
import { cpus } from "node:os"

export const print = (line: string): void => void process.stdout.write(`${line}\n`)

export const machine = (): string =>
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}`

export const quantile = (numbers: Iterable<number>, q: number): number => {
  const sorted = Float64Array.from(numbers).sort()
  return sorted[Math.min(Math.floor(sorted.length * q), sorted.length - 1)] ?? Number.NaN
}

export const median = (numbers: Iterable<number>): number => quantile(numbers, 0.5)

/** `1.23 [1.10-1.40]`: the median, and the least and the greatest. */
export const spread = (numbers: ReadonlyArray<number>, digits = 2): string =>
  numbers.length === 0
    ? "-"
    : `${median(numbers).toFixed(digits)} [${Math.min(...numbers).toFixed(digits)}-${Math.max(...numbers).toFixed(digits)}]`

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

export const summary = (numbers: ReadonlyArray<number>): Summary => ({
  median: median(numbers),
  min: Math.min(...numbers),
  max: Math.max(...numbers),
})

/** Round by round, so that whatever the machine did meanwhile meets both. */
export const ratios = (numbers: ReadonlyArray<number>, to: ReadonlyArray<number>): ReadonlyArray<number> =>
  numbers.map((number, round) => number / to[round]!)

/** The first column to the left, all others to the right, each as wide as its widest cell. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): ReadonlyArray<string> => {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  return [header, ...rows].map((row) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ")}`.trimEnd(),
  )
}

/** As a table, as JSON (`-`: on standard output, without the table), or as both (a file's name). */
export const publish = (json: string | undefined, result: unknown, lines: ReadonlyArray<string>): void => {
  if (json === "-") print(JSON.stringify(result))
  else {
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`)
    for (const line of lines) print(line)
  }
}

let saidAt = Number.NEGATIVE_INFINITY

/**
 * Shows on standard error how far it has come: on a terminal in one line that is written over,
 * elsewhere in a line every 10 s.
 */
export const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (performance.now() - saidAt >= 10_000) {
    saidAt = performance.now()
    process.stderr.write(`${text}\n`)
  }
}

/** Takes the line of {@link progress} away again. */
export const progressEnd = (): void => {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K")
}
