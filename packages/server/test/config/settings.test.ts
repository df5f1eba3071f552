import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { command } from "../../src/commands/serve.ts"
import * as Settings from "../../src/config/settings.ts"

/** The row that the README has for a setting. */
const rowOf = (name: Settings.Name): string => {
  const { key, variable, help, isList, default: value, shownDefault = value } = Settings.table[name]
  const flag = Settings.hasFlag(name)
    ? Settings.usageOf(name)
    : variable === true
      ? Settings.variableOf(name)
      : null
  const code = (text: string | null | undefined) => (text == null ? "" : `\`${text}\``)
  const cells = [`${code(flag)}${isList ? "..." : ""}`, code(key), String(shownDefault ?? ""), help]
  return `| ${cells.join(" | ")} |`
}

describe("every setting", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
  const table = readme.slice(readme.indexOf("\n| flag or variable"))

  test("has its row in the README, in the order of the help", () => {
    const rows = table.trimStart().split("\n").slice(2)
    expect(rows.slice(0, rows.indexOf(""))).toEqual(Settings.names.map(rowOf))
  })

  test("with a flag is an option of serve, with its default", () => {
    const help = command().helpInformation().replace(/\s+/g, " ")
    for (const name of Settings.names.filter(Settings.hasFlag)) {
      expect(help).toContain(`${Settings.usageOf(name)} ${Settings.helpOf(name)}`)
    }
    expect(help).toContain("--port <number> 0 takes a free one (default: 8080)")
    expect(help).toContain("--server-key <key> a key that may do everything; may be repeated")
  })
})
