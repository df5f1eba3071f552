import * as fc from "fast-check"
import { expect, test } from "vitest"
import { glob } from "../../src/select/glob.ts"

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

/** How often a glob looks at a text. */
const looks = (pattern: string, text: string): number => {
  let looked = 0
  const counting = new Proxy(new String(text), {
    get: (target, name) => {
      const value = Reflect.get(target, name)
      if (typeof value !== "function") return value
      return (...of: ReadonlyArray<unknown>) => {
        looked += 1
        return value.apply(target, of)
      }
    },
  })
  glob(pattern)(counting as unknown as string)
  return looked
}

const many = 500

test.each([
  ["many stars", `${"*a".repeat(many)}*b`, "a"],
  ["a long word that nearly fits", `*${"a".repeat(many)}b`, "a"],
  ["a long word in the middle", `*${"a".repeat(many)}b*`, "a"],
  ["one that begins wrong", `*b${"a".repeat(many)}*`, "a"],
  ["question marks", `*${"a?".repeat(many)}b*`, "a"],
  ["question marks at the end", `*${"?a".repeat(many)}`, "b"],
  ["pairs", `*${"ab".repeat(many)}a?*`, "ab"],
])("looks at a text as often as it is long, with %s", (_, pattern, word) => {
  const [short, long] = [10_000, 100_000].map((length) => looks(pattern, word.repeat(length / word.length)))
  expect(long).toBeLessThanOrEqual(100_000 + 4 * pattern.length)
  expect(long! - short!).toBeLessThanOrEqual(90_000)
})

test("a pattern of many stars stays quick on a long text", () => {
  const matches = glob(`${"*a".repeat(40)}*b`)
  expect(matches("a".repeat(100_000))).toBe(false)
})

test("patterns longer than a word of bits match as the regular expression they stand for", () => {
  const part = fc.array(fc.constantFrom("a", "a", "b", "?"), { minLength: 25, maxLength: 70 })
  const subject = fc.array(fc.constantFrom("a", "a", "a", "b"), { maxLength: 200 })
  let matched = 0
  fc.assert(
    fc.property(part, subject, fc.nat(), (letters, others, at) => {
      const pattern = `*${letters.join("")}*`
      const word = letters.map((letter) => (letter === "?" ? "b" : letter))
      const text = [...others.slice(0, at % 100), ...(at % 2 === 0 ? word : []), ...others].join("")
      const expected = reference(pattern).test(text)
      if (expected) matched += 1
      expect(glob(pattern)(text)).toBe(expected)
    }),
    { numRuns: 1000 },
  )
  expect(matched).toBeGreaterThan(300)
})
