import * as fc from "fast-check"
import { expect, test } from "vitest"
import { json, printable } from "../../src/base/safeText.ts"

/** What a terminal would obey, or be turned around by. */
const commands = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "\u001b", "\u009b", "\n", "\u202e", "\u2028", "\u{e0001}", "\ud800", "é"),
  }),
)

test("printed text commands no terminal", () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(printable(value)).not.toMatch(commands)
    }),
  )
  expect(printable("\u001b[2J\u009b1mhi\n")).toBe("\\u{1b}[2J\\u{9b}1mhi\\u{a}")
})

test("JSON commands none either, is one line, and says the same", () => {
  fc.assert(
    fc.property(fc.dictionary(text, text), (value) => {
      expect(json(value)).not.toMatch(commands)
      expect(JSON.parse(json(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
