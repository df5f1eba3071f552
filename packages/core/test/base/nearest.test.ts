import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { didYouMean, nearest } from "../../src/base/nearest.ts"

describe("the nearest name", () => {
  test.each([
    ["filters", ["filter", "fields", "format"], "filter"],
    ["prot", ["port", "host"], "port"],
    ["logEvent", ["log_event", "sdk_exception"], "log_event"],
    ["MILLRACE_SERVERKEY", ["MILLRACE_SERVER_KEY", "MILLRACE_SERVER"], "MILLRACE_SERVER_KEY"],
    ["MAX-EVENTS", ["maxBytes", "maxEvents"], "maxEvents"],
    ["colour", ["id", "url", "enabled", "filter", "timeout"], null],
    ["x", ["y", "id"], null],
    ["", ["port"], null],
    ["port", [], null],
    ["p".repeat(10_000), ["p".repeat(10_001)], null],
  ] as const)("of %s among %j is %s", (text, names, expected) => {
    expect(nearest(text, names)).toBe(expected)
  })

  const name = fc.stringMatching(/^[a-z]{6,20}$/)

  test("is the name itself, one letter more, one less, or two exchanged", () => {
    fc.assert(
      fc.property(name, fc.nat(), (word, seed) => {
        const at = seed % (word.length - 1)
        const without = word.slice(0, at) + word.slice(at + 1)
        const more = `${word.slice(0, at)}q${word.slice(at)}`
        const exchanged = word.slice(0, at) + word[at + 1]! + word[at]! + word.slice(at + 2)
        for (const text of [word, without, more, exchanged]) expect(nearest(text, [word])).toBe(word)
      }),
    )
  })

  test("is asked for behind what says that there is none", () => {
    expect(`unknown key${didYouMean("prot", ["port"])}`).toBe("unknown key: did you mean port?")
    expect(`unknown key${didYouMean("colour", ["port"])}`).toBe("unknown key")
  })
})
