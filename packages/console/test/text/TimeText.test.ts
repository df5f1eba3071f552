import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as TimeText from "../../src/text/TimeText.ts"

const now = Date.parse("2026-01-31T12:00:00Z")

const parse = (text: string) => Result.getOrElse(TimeText.parse(text, now), () => null)

describe("parse", () => {
  test.each([
    ["now", now],
    ["2026-01-31", Date.parse("2026-01-31T00:00:00Z")],
    ["2026-01-31T10:30", Date.parse("2026-01-31T10:30:00Z")],
    ["2026-01-31 10:30:15.5", Date.parse("2026-01-31T10:30:15.500Z")],
    ["2026-01-31t10:30:15z", Date.parse("2026-01-31T10:30:15Z")],
    ["2026-01-31T10:30+02:00", Date.parse("2026-01-31T08:30:00Z")],
    ["2026-01-31T10:30-0530", Date.parse("2026-01-31T16:00:00Z")],
    ["1769860800000", 1769860800000],
    ["2 hours", now - 2 * 3_600_000],
    ["1.5 hours ago", now - 1.5 * 3_600_000],
    [" 3 days ", now - 3 * 86_400_000],
    ["500 millis", now - 500],
  ])("%s", (text, time) => expect(parse(text)).toBe(time))

  test.each([
    "",
    "yesterday",
    "2026-13-01",
    "2026-02-31",
    "2026-01-31T25:00",
    "12",
    "-2 hours",
    "Infinity",
    "2 hours from now",
    "9e9 days",
  ])("%j is none", (text) => expect(parse(text)).toBeNull())

  test("reads what it prints", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (time) => {
        const second = Math.floor(time / 1000) * 1000
        expect(parse(TimeText.format(time))).toBe(second)
      }),
    )
  })
})

describe("ago", () => {
  test.each([
    [0, "0 ms ago"],
    [999, "999 ms ago"],
    [1000, "1 s ago"],
    [59_999, "59 s ago"],
    [60_000, "1 min ago"],
    [3_599_999, "59 min ago"],
    [3_600_000, "1 hour ago"],
    [2 * 86_400_000 - 1, "1 day ago"],
    [40 * 86_400_000, "40 days ago"],
    [-60_000, "in 1 min"],
  ])("%s ms", (millis, text) => expect(TimeText.ago(now - millis, now)).toBe(text))

  test("of nothing is a dash", () => expect(TimeText.ago(null, now)).toBe("-"))
})

describe("format", () => {
  test.each([
    [1_790_000_000_999, "2026-09-21T14:13:20Z"],
    [8.64e15, "+275760-09-13T00:00:00Z"],
    [8_640_000_000_000_001, "8640000000000001 ms"],
    [1e24, "1e+24 ms"],
    [-1e300, "-1e+300 ms"],
  ])("shows %s, whatever a store holds", (time, text) => expect(TimeText.format(time)).toBe(text))
})
