import * as fc from "fast-check"
import { expect, test } from "vitest"
import { glob } from "../../src/internal/glob.ts"

const reference = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*+/g, "[^]*")
      .replace(/\?/g, "[^]")}$`,
    "u",
  )

const letters = fc.constantFrom("a", "b", "*", "?", ".", "\n", "\u{1F600}")

test("matches as the regular expression it stands for", () => {
  const text = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(""))
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      expect(glob(pattern)(subject)).toBe(reference(pattern).test(subject))
    }),
    { numRuns: 5000 },
  )
})

test("a pattern of many stars stays quick on a long text", () => {
  const matches = glob(`${"*a".repeat(40)}*b`)
  expect(matches("a".repeat(100_000))).toBe(false)
})
