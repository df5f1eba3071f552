import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { plainText } from "../../../src/select/messages/plainText.ts"
import { headingOf, nameLines, summaryOf, usersLine } from "../../../src/select/messages/summary.ts"
import { event, hostileText } from "./events.ts"

const unescaped = (character: string): string => character

const same = (text: string): string => text

const named = (...names: ReadonlyArray<string>) => summaryOf(names.map((eventName) => event({ eventName })))

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`)

describe("a summary", () => {
  test.each([
    [0, "0 events"],
    [1, "1 event"],
    [2, "2 events"],
    [1234, "1,234 events"],
  ])("of %i says how many", (count, heading) => {
    expect(headingOf(summaryOf(Array(count).fill(event())))).toBe(heading)
  })

  test("names the most frequent first, and among equals the first", () => {
    expect(nameLines(named("c", "b", "a", "b"), same)).toEqual(["b × 2", "c × 1", "a × 1"])
  })

  test("names ten at most, and counts the rest", () => {
    expect(nameLines(named(...numbered(10)), same)).toHaveLength(10)
    const lines = nameLines(named(...numbered(1210), "n1209"), same)
    expect(lines).toHaveLength(11)
    expect(lines[0]).toBe("n1209 × 2")
    expect(lines[10]).toBe("and 1,200 more")
  })

  test("names five users at most, and none for events without", () => {
    const usersOf = (...ids: ReadonlyArray<string>) =>
      usersLine(summaryOf(ids.map((userID) => event({ userID }))), same)
    expect(usersOf("", " ")).toBe(null)
    expect(usersOf("a", "", "b", "b")).toBe("b, a")
    expect(usersOf(...numbered(5))).toBe("n0, n1, n2, n3, n4")
    expect(usersOf(...numbered(7))).toBe("n0, n1, n2, n3, n4 and 2 more")
  })

  test("knows names that every object has", () => {
    expect(nameLines(named("__proto__", "constructor", "__proto__"), same)).toEqual([
      "__proto__ × 2",
      "constructor × 1",
    ])
  })

  test.each([
    [[Date.UTC(2026, 10, 29, 8)], "2026-11-29 08:00:00 UTC"],
    [[Date.UTC(2026, 10, 29, 8), Date.UTC(2026, 10, 29, 8, 0, 0, 999)], "2026-11-29 08:00:00 UTC"],
    [[Date.UTC(2026, 10, 29, 9), Date.UTC(2026, 10, 29, 8)], "2026-11-29 08:00:00 to 09:00:00 UTC"],
    [[Date.UTC(2026, 10, 29), Date.UTC(2026, 10, 30)], "2026-11-29 00:00:00 to 2026-11-30 00:00:00 UTC"],
    [[0, 8.64e15], "1970-01-01 00:00:00 to +275760-09-13 00:00:00 UTC"],
    [[8.64e15 + 1], null],
    [[0, -1e300], null],
    [[], null],
  ])("of %j says when", (timestamps, span) => {
    expect(summaryOf(timestamps.map((timestamp) => event({ timestamp }))).span).toBe(span)
  })
})

describe("a text that is shown", () => {
  test.each([
    ["is itself", "page_view", "page_view"],
    ["is on one line", "a\r\nb\tc\u2028d", "a b c d"],
    ["has no blanks at its ends", "  a  ", "a"],
    ["has no marks of direction", "\u202ea\u2066b\u200e", "ab"],
    ["has whole characters only", "a\ud800b", "a\ufffdb"],
    ["is something even where nothing can be seen", "\u200b\n ", "(blank)"],
    ["is cut", "abcdefghij-", "abcdefghi…"],
    ["is not cut where it just fits", "abcdefghij", "abcdefghij"],
    ["is cut at characters", "12345678😀--", "12345678…"],
    ["is not cut for what is not seen", "abcdefghij\u200b\n", "abcdefghij"],
  ])("%s", (_, text, shown) => {
    expect(plainText(text, 10, unescaped)).toBe(shown)
  })

  test("is cut between escapes", () => {
    expect(plainText("&&&", 10, () => "&amp;")).toBe("&amp;…")
    expect(plainText("&&", 10, () => "&amp;")).toBe("&amp;&amp;")
  })

  test("is never longer than said, nor nothing", () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 8, max: 300 }), (text, most) => {
        const shown = plainText(text, most, unescaped)
        expect(shown.length).toBeLessThanOrEqual(most)
        expect(shown).not.toBe("")
      }),
    )
  })
})
