import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, it, vi } from "vitest"
import { publish, quantile, ratios, spread, summary, table } from "../src/report.ts"

const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })
const share = fc.double({ min: 0, max: 1, noNaN: true })

it("a quantile is one of the numbers, at least so many of which are no greater", () => {
  fc.assert(
    fc.property(numbers, share, (all, q) => {
      const found = quantile(all, q)
      expect(all.some((number) => number === found)).toBe(true)
      expect(all.filter((number) => number <= found).length).toBeGreaterThanOrEqual(q * all.length)
    }),
  )
})

it("quantiles grow with their share, from the least to the greatest, in whatever order the numbers come", () => {
  fc.assert(
    fc.property(numbers, share, share, (all, a, b) => {
      expect(quantile(all, Math.min(a, b))).toBeLessThanOrEqual(quantile(all, Math.max(a, b)))
      expect(quantile([...all].reverse(), a)).toBe(quantile(all, a))
      const { min, median, max } = summary(all)
      expect([quantile(all, 0), quantile(all, 0.5), quantile(all, 1)]).toEqual([min, median, max])
    }),
  )
})

it("of nothing there is no quantile", () => {
  expect(quantile([], 0.5)).toBeNaN()
  expect(spread([])).toBe("-")
})

it("ratios are taken round by round", () => {
  expect(ratios([2, 9], [1, 3])).toEqual([2, 3])
  expect(spread(ratios([2, 9, 4], [1, 3, 1]))).toBe("3.00 [2.00-4.00]")
})

it("columns of a table stand under one another, the first to the left, the others to the right", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word, word), { minLength: 1 }), (rows) => {
      const lines = table(["", "one", "two"], rows)
      expect(lines).toHaveLength(rows.length + 1)
      expect(new Set(lines.map((line) => line.length)).size).toBe(1)
      for (const [index, row] of rows.entries()) {
        const line = lines[index + 1]!
        expect(line.startsWith(`  ${row[0]}`)).toBe(true)
        expect(line.endsWith(row[2])).toBe(true)
        expect(line.trim().split(/ +/)).toEqual(row)
      }
    }),
  )
})

it("JSON goes to standard output alone, or into a file beside the table", () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-test-"))
  const file = join(directory, "result.json")
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true)
  try {
    publish("-", { rate: 1 }, ["a table"])
    expect(write.mock.calls).toEqual([['{"rate":1}\n']])
    write.mockClear()
    publish(file, { rate: 2 }, ["a table"])
    expect(write.mock.calls).toEqual([["a table\n"]])
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ rate: 2 })
  } finally {
    write.mockRestore()
    rmSync(directory, { recursive: true })
  }
})
