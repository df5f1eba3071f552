import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import * as NotJson from "../../src/bytes/notJson.ts"
import { bytesOf, textOf } from "../support/wire.ts"

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const bare = ["NaN", "Infinity", "-Infinity"]
const sentinel = 123_454_321

/** Texts hold what is bare elsewhere. */
const text = fc.oneof(fc.string(), fc.constantFrom(...bare, '"NaN', "\\NaN", "ü: NaN,", "[Infinity]"))
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 1, arbitrary: text },
    { weight: 3, arbitrary: fc.constantFrom<Json>(sentinel, sentinel, null, true, -1.5e-7) },
    { weight: 3, arbitrary: fc.array(tie("value"), { minLength: 1, maxLength: 4 }) },
    { weight: 3, arbitrary: fc.dictionary(text, tie("value"), { maxKeys: 4 }) },
  ),
})).value

describe("bare numbers", () => {
  it("are found wherever a value may stand, and nowhere else, and count as null", () => {
    let found = 0
    fc.assert(
      fc.property(
        json,
        fc.constantFrom(...bare),
        fc.constantFrom(undefined, " ", "\t"),
        (value, name, space) => {
          const whole = JSON.stringify(value, null, space)
          fc.pre(!/"[^"]*123454321/.test(whole))
          const written = bytesOf(whole.replaceAll(String(sentinel), name))
          const why = NotJson.read(written)
          found += why.bareNumbers.length
          expect(why.at).toBeNull()
          expect(why.bareNumbers.map(({ from, to }) => textOf(written.subarray(from, to)))).toEqual(
            Array(whole.split(String(sentinel)).length - 1).fill(name),
          )
          expect(textOf(NotJson.withoutBareNumbers(written, why))).toBe(
            whole.replaceAll(String(sentinel), "null"),
          )
        },
      ),
      { numRuns: 2_000 },
    )
    expect(found).toBeGreaterThan(200)
  })

  it("are the only thing that is let through: otherwise it is JSON exactly when JSON.parse says so", () => {
    const seen = { json: 0, none: 0 }
    const piece = fc.constantFrom(
      ...['{"a":', '"', "{", "}", "[", "]", ",", ":", " ", "1", "-", ".", "e", "0", "null", "tru", "e"],
      ...['"\\u00e', '"\\', "\t", "NaN", "-Infinity", "Infinit", '"b"'],
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc
            .tuple(
              json.map((value) => JSON.stringify(value)),
              fc.nat(),
              piece,
              fc.nat(2),
            )
            .map(([whole, at, other, drop]) => {
              const place = at % (whole.length + 1)
              return `${whole.slice(0, place)}${other}${whole.slice(place + drop)}`
            }),
          fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
        ),
        (written) => {
          const { at, bareNumbers } = NotJson.read(bytesOf(written))
          if (bareNumbers.length > 0) return
          expect(at === null).toBe(isJson(written))
          seen[at === null ? "json" : "none"] += 1
        },
      ),
      { numRuns: 20_000 },
    )
    expect(Math.min(seen.json, seen.none)).toBeGreaterThan(1_000)
  })

  it("are found however deep they are nested", () => {
    const depth = 1_000_000
    const why = NotJson.read(bytesOf(`${"[".repeat(depth)}NaN${"]".repeat(depth)}`))
    expect(why).toEqual({ at: null, bareNumbers: [{ from: depth, to: depth + 3 }] })
  })
})
