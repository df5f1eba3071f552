import { afterEach, expect, test, vi } from "vitest"
import type { LogLine, LogOption } from "../../src/base/LogLine.ts"
import { writerOf } from "../../src/base/logWriter.ts"

afterEach(() => vi.restoreAllMocks())

const levels: ReadonlyArray<LogLine["level"]> = ["Debug", "Info", "Warn", "Error"]

/** The levels of the lines that reach standard error. */
const written = (option?: LogOption): ReadonlyArray<string> => {
  const lines: Array<string> = []
  vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text))
  const write = writerOf(option)
  for (const level of levels) write({ level, message: "a thing", fields: { why: "so" } })
  return lines.map((line) => /^\S+Z (\w+) +a thing why=so$/.exec(line)?.[1] ?? line)
}

test("no warning is lost by default", () => {
  expect(written()).toEqual(["WARN", "ERROR"])
})

test.each<readonly [LogOption, ReadonlyArray<string>]>([
  ["silent", []],
  ["error", ["ERROR"]],
  ["info", ["INFO", "WARN", "ERROR"]],
  ["trace", ["DEBUG", "INFO", "WARN", "ERROR"]],
])("%s lets through what it says", (option, expected) => {
  expect(written(option)).toEqual(expected)
})

test("a function gets all", () => {
  const lines: Array<LogLine> = []
  expect(written((line) => lines.push(line))).toEqual([])
  expect(lines.map(({ level }) => level)).toEqual(levels)
})
