import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { logMessages } from "../../../src/base/Telemetry.ts"
import { kinds } from "../../../src/deliver/health/Alert.ts"

const page = readFileSync(new URL("../../../../../docs/operations.md", import.meta.url), "utf8")

const section = (title: string): string => page.split(`\n## ${title}\n`)[1]!.split("\n## ")[0]!

test("every type of an alert is on the page, and no other", () => {
  const rows = [
    ...section("Alerts")
      .split("| type |")[1]!
      .matchAll(/^\| `([\w-]+)` \|/gm),
  ]
  expect(rows.map(([, type]) => type)).toEqual([...kinds])
})

test("lines on the page are lines of the log", () => {
  const rows = [...section("Lines worth knowing").matchAll(/^\| (`.*?`) \|/gm)]
  const lines = rows.flatMap(([, cell]) => [...cell!.matchAll(/`(.*?)`/g)].map(([, line]) => line))
  expect(lines.length).toBeGreaterThan(10)
  const known = new Set<string>(Object.values(logMessages))
  expect(lines.filter((line) => !known.has(line!))).toEqual([])
})
