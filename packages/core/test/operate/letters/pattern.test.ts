import * as fc from "fast-check"
import { expect, test } from "vitest"
import { patternOf } from "../../../src/operate/letters/pattern.ts"

test.each([
  ["answered 422: unknown attribute", "answered 422: unknown attribute"],
  [`answered 422: unknown attribute "plan_7"`, "answered 422: unknown attribute …"],
  ["answered 422: unknown attribute 'plan'", "answered 422: unknown attribute …"],
  [
    "answered 400: it didn't like this, and can't say why",
    "answered 400: it didn't like this, and can't say why",
  ],
  ["answered 400", "answered 400"],
  ["answered 4000 times", "answered … times"],
  ["no user 3f2a-91bc at 2026-01-02T03:04:05.678Z", "no user … at …"],
  ["row 12, column 7: bad value 1.5", "row …, column …: bad value …"],
  ["events[0].time: expected a number", "events[…].time: expected a number"],

  [`answered 422: {"error":"no id 91: \\"bob\\""}`, `answered 422: {"error":"no id …"}`],
  [`{"errors": [{"path": "a", "code": 12}]}`, `{"errors": [{"path": "a", "code": …}]}`],
  ["  two\nlines \t 1", " two lines …"],
  ["", ""],
])("%j is of the pattern %j", (message, pattern) => {
  expect(patternOf(message)).toBe(pattern)
})

const pieces = fc.constantFrom(
  `"`,
  "'",
  "`",
  "“",
  "”",
  "…",
  "1",
  "a",
  "é",
  " ",
  ".",
  ":",
  "\n",
  "answered 422",
  "{",
  "\\",
  "🚀",
  "-",
)
const message = fc.oneof(
  fc.array(pieces, { maxLength: 400 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 2000 }),
)

test("the pattern of a pattern is itself, bounded and without digits", () => {
  fc.assert(
    fc.property(message, (text) => {
      const pattern = patternOf(text)
      expect(patternOf(pattern)).toBe(pattern)
      expect(pattern.length).toBeLessThanOrEqual(200)
      expect(pattern.replace(/^answered \d{3}\b/, "")).not.toMatch(/\p{N}/u)
    }),
    { numRuns: 3000 },
  )
})

test("what differs in digits and quotations alone is of one pattern", () => {
  const quoted = fc.stringMatching(/^[a-z0-9 .:]{0,20}$/)
  fc.assert(
    fc.property(fc.nat(), fc.nat(), quoted, quoted, (one, other, a, b) => {
      const say = (number: number, text: string) => `row ${number}: no column "${text}" here`
      expect(patternOf(say(one, a))).toBe(patternOf(say(other, b)))
    }),
  )
})
