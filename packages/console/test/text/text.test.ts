import { describe, expect, it } from "vitest"
import { shown } from "../../web/text/escape.ts"
import { bytes, change, count, decimal, percent, plural, short } from "../../web/text/numbers.ts"
import { textOf } from "../../web/text/said.ts"
import { exact, since, span, when } from "../../web/text/times.ts"

describe("numbers", () => {
  it.each([
    [count(369_412.4), "369,412"],
    [decimal(49.84), "49.8"],
    [plural(1, "destination"), "1 destination"],
    [plural(2, "entry", "entries"), "2 entries"],
    [short(9_914_220), "9.91 M"],
    [short(33_184_902), "33.2 M"],
    [short(369_412), "369 k"],
    [short(12_481), "12.5 k"],
    [short(999), "999"],
    [percent(999_999, 1_000_000), "99.9 %"],
    [percent(5, 5), "100 %"],
    [percent(0, 0), "–"],
    [bytes(1_434), "1.4 KiB"],
    [bytes(12), "12 B"],
    [bytes(10 * 2 ** 30), "10 GiB"],
    [change(-0.41), "−41 %"],
    [change(2.6), "+260 %"],
  ])("%s reads %s", (text, expected) => {
    expect(text).toBe(expected)
  })
})

describe("durations", () => {
  it.each([
    [780, "780 ms"],
    [999.6, "1.0 s"],
    [1_180, "1.2 s"],
    [9_960, "10 s"],
    [59_600, "1 min"],
    [75_000, "1 min 15 s"],
    [38 * 60_000 + 27_000, "38 min"],
    [81 * 60_000, "1 h 21 min"],
    [3_600_000, "1 h"],
    [31 * 3_600_000, "1 d 7 h"],
    [-5, "0 ms"],
  ])("%i ms is %s", (ms, expected) => {
    expect(span(ms)).toBe(expected)
  })
})

describe("times", () => {
  const now = new Date(2026, 10, 18, 14, 24, 36).getTime()
  const today = new Date(2026, 10, 18, 13, 46, 9, 7).getTime()
  const yesterday = new Date(2026, 10, 17, 16, 40, 12).getTime()
  const before = new Date(2026, 10, 15, 9, 5).getTime()

  it("are told by the day", () => {
    expect(exact(today)).toBe("13:46:09.007")
    expect([today, yesterday].map((time) => when(time, now))).toEqual(["13:46:09", "17 Nov 16:40"])
    expect([today, yesterday, before].map((time) => since(time, now))).toEqual([
      "13:46",
      "yesterday, 16:40",
      "15 Nov, 09:05",
    ])
  })

  it("are a part of sentences, as quotes are", () => {
    expect(
      textOf(["At ", { at: today }, ": ", { code: "a\u202Eb" }, ".", { href: "#", text: "x" }], now),
    ).toBe("At 13:46:09: a\\u202Eb.x")
  })
})

describe("what others have chosen", () => {
  it.each([
    ["u_48213", "u_48213"],
    ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["refund\u202Edeussi", "refund\\u202Edeussi"],
    ["a\u2066b\u2069", "a\\u2066b\\u2069"],
    ["a\u0000b\u001B[31m", "a\\u0000b\\u001B[31m"],
    ["one\ntwo\tthree\r", "one\\ntwo\\tthree\\r"],
    ["half \uD83D", "half \\uD83D"],
    ["whole 😀, 漢字, עברית", "whole 😀, 漢字, עברית"],
  ])("%j is shown as what it is", (text, expected) => {
    expect(shown(text)).toBe(expected)
  })
})
