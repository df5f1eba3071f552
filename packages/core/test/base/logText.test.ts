import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { asJson, asText } from "../../src/base/logText.ts"

const time = new Date(Date.UTC(2026, 0, 31, 12))

const line = (message: string, fields: Readonly<Record<string, unknown>>) =>
  asText({ level: "Warn", message, fields }, time)

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

describe("as JSON", () => {
  const json = (message: string, fields: Readonly<Record<string, unknown>>) =>
    asJson({ level: "Warn", message, fields }, time)

  test("a line has its fields beside time, level and message, which none of them hides", () => {
    expect(json("the store took no events", { reason: "Full", level: "mine", wait: 15 })).toBe(
      '{"time":"2026-01-31T12:00:00.000Z","level":"warn","message":"the store took no events","reason":"Full","wait":15}\n',
    )
  })

  test("whatever it is given is one line that says it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, value) => {
        const text = json(message, { value })
        expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(JSON.parse(text)).toMatchObject({ message, value })
      }),
    )
  })
})
