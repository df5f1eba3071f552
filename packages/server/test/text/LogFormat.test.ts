import * as fc from "fast-check"
import { expect, test } from "vitest"
import * as LogFormat from "../../src/text/LogFormat.ts"

const time = new Date(Date.UTC(2026, 0, 31, 12))

const line = (message: string, fields: Readonly<Record<string, unknown>>) =>
  LogFormat.format({ level: "Warn", message, fields }, time)

test("a line a person can read", () => {
  expect(
    line("the store took no events", {
      reason: "Unavailable",
      path: "/var/my data",
      wait: 1500,
      failing: null,
      ids: ["a", "b"],
      nothing: undefined,
    }),
  ).toBe(
    '2026-01-31T12:00:00.000Z WARN  the store took no events reason=Unavailable path="/var/my data" wait=1500 failing=null ids="[\\"a\\",\\"b\\"]" nothing=undefined\n',
  )
})

test("whatever it is given is one line, without what a terminal would obey", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, value) => {
      const text = line(message, { value })
      expect(text.endsWith("\n")).toBe(true)
      expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
  )
})

test("a value's end can be told from the next field's beginning", () => {
  expect(line("x", { a: "1 b=2" })).toContain(' a="1 b=2"\n')
  expect(line("x", { a: 'say "hi"' })).toContain(' a="say \\"hi\\""\n')
  expect(line("x", { a: "" })).toContain(' a=""\n')
})
