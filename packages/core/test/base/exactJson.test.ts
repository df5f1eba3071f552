import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ExactJson from "../../src/base/exactJson.ts"

const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => JSON.stringify(value)),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc
    .tuple(
      fc.constantFrom("", "-"),
      fc.nat(),
      fc.stringMatching(/^\d{1,20}$/),
      fc.constantFrom("", "e3", "E-7", "e+0"),
    )
    .map(([sign, whole, fraction, exponent]) => `${sign}${whole}.${fraction}${exponent}`),
  fc.constantFrom("0", "-0", "1.0", "1.50", "0.0000001", "1e3", "0e0", "-0.0", "9007199254740993"),
)
const text = fc.oneof(fc.string(), fc.constantFrom(" 1.0", '",1e3,"', "\\", "__proto__", "a", "2", "1"))
const json = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    number,
    text.map((value) => JSON.stringify(value)),
    fc.constantFrom("true", "false", "null"),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc
      .uniqueArray(fc.tuple(text, tie("value")), { selector: ([key]) => key, maxLength: 4 })
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`),
  ),
})).value

/** Objects have keys that are indexes in another order. */
const hasIndexes = (text: string): boolean => /"\d+":/.test(text)

describe("JSON with its numbers as they are written", () => {
  it("is written as it was read", () => {
    fc.assert(
      fc.property(json, (written) => {
        fc.pre(!hasIndexes(written))
        expect(ExactJson.stringify(ExactJson.parse(written))).toBe(written)
      }),
      { numRuns: 5_000 },
    )
  })

  it("says the same as JSON.parse, white space or none", () => {
    fc.assert(
      fc.property(json, fc.constantFrom("", " ", "\n\t"), (written, space) => {
        const spaced = JSON.stringify(JSON.parse(written), null, space)
        expect(JSON.parse(JSON.stringify(ExactJson.parse(spaced)))).toEqual(JSON.parse(spaced))
        expect(JSON.parse(ExactJson.stringify(ExactJson.parse(written)))).toEqual(JSON.parse(written))
      }),
      { numRuns: 2_000 },
    )
  })

  it("has null for what no double holds", () => {
    expect(ExactJson.stringify(ExactJson.parse('{"a":1e999,"b":[-1e999]}'))).toBe('{"a":null,"b":[null]}')
  })
})
