import { expect, test } from "vitest"
import * as Table from "../../src/text/Table.ts"

const columns: ReadonlyArray<Table.Column<readonly [string, number, string]>> = [
  { name: "id", text: ([id]) => id },
  { name: "count", text: ([, count]) => String(count), right: true },
  { name: "message", text: ([, , message]) => message },
]

test("columns are as wide as what stands in them, numbers stand under each other, nothing trails", () => {
  expect(
    Table.format(columns, [
      ["warehouse", 5, "refused"],
      ["ü😀", 12_345_678, ""],
    ]),
  ).toBe(`id            count  message
warehouse         5  refused
ü😀         12345678
`)
})

test("a cell stays on its line, commands no terminal, and is cut", () => {
  const [, row] = Table.format(columns, [["a\nb\u001b", 1, "😀".repeat(100)]]).split("\n")
  expect(row).toBe(`a\\u{a}b\\u{1b}      1  ${"😀".repeat(79)}…`)
})

test("the line of the names may be shown otherwise, without moving a column", () => {
  const shown = Table.format(columns, [["long", 1, "m"]], (line) => `<${line}>`)
  expect(shown).toBe("<id    count  message>\nlong      1  m\n")
})
