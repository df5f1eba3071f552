import * as fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import {
  correctionOf,
  isInteger,
  judge,
  readClientTime,
  readCorrected,
  readTime,
} from "../../src/base/time.ts"

describe("readTime", () => {
  it.each([
    [1_795_296_079_336, 1_795_296_079_336],
    [1_795_296_079_336.25, 1_795_296_079_336.25],
    [-5, -5],
    [0, 0],
    ["1795296079336", 1_795_296_079_336],
    [" 1795296079336 ", 1_795_296_079_336],
    ["1795296079336.5", 1_795_296_079_336.5],
    ["1795296079336,5", 1_795_296_079_336.5],
    ["1.5e3", 1500],
    ["2026-11-22", Date.UTC(2026, 10, 22)],
    ["2026-11-22T01:02:03Z", Date.UTC(2026, 10, 22, 1, 2, 3)],
    ["2026-11-22T01:02:03.456Z", Date.UTC(2026, 10, 22, 1, 2, 3, 456)],
    ["2026-11-22T01:02:03.456789Z", Date.UTC(2026, 10, 22, 1, 2, 3, 456)],
    ["2026-11-22t01:02:03z", Date.UTC(2026, 10, 22, 1, 2, 3)],
    ["2026-11-22 01:02", Date.UTC(2026, 10, 22, 1, 2)],
    ["2026-11-22T01:02:03+02:00", Date.UTC(2026, 10, 21, 23, 2, 3)],
    ["2026-11-22T01:02:03+0200", Date.UTC(2026, 10, 21, 23, 2, 3)],
    ["2026-11-22T01:02:03-05", Date.UTC(2026, 10, 22, 6, 2, 3)],
  ])("%j is %d", (value, expected) => {
    expect(readTime(value)).toBe(expected)
  })

  it("takes a time without a zone as UTC, wherever it runs", () => {
    vi.stubEnv("TZ", "Asia/Kathmandu")
    expect(new Date(0).getTimezoneOffset()).toBe(-330)
    expect(readTime("2026-11-22T01:02:03")).toBe(Date.UTC(2026, 10, 22, 1, 2, 3))
    expect(readTime("2026-11-22")).toBe(Date.UTC(2026, 10, 22))
    vi.unstubAllEnvs()
  })

  it.each([
    [""],
    [" "],
    ["yesterday"],
    ["foo 1"],
    ["22/11/2026"],
    ["2026-13-01"],
    ["2026-11-22T25:61"],
    ["0x10"],
    ["1_000"],
    ["1e999"],
    ["Infinity"],
    [Number.POSITIVE_INFINITY],
    [Number.NaN],
    [true],
    [null],
    [undefined],
    [[1]],
    [{}],
  ])("%j is none", (value) => {
    expect(readTime(value)).toBeNull()
  })
})

describe("readClientTime", () => {
  it.each([
    ["1795296079336", 1_795_296_079_336],
    [1_795_296_079_336, 1_795_296_079_336],
    ["1795296079336.12", 1_795_296_079_336.12],
    ["1795296079336,12", 1_795_296_079_336.12],
    ["1795296079", 1_795_296_079],
    [1_795_296_079.5, 1_795_296_079.5],
  ])("%j is %d, whatever that counts", (value, expected) => {
    expect(readClientTime(value)).toBe(expected)
  })

  it.each([
    [""],
    ["now"],
    ["0"],
    ["-1795296079336"],
    ["9e18"],
    ["1e999"],
    [true],
    [null],
    [undefined],
    ["1, 2"],
  ])("%j is none", (value) => {
    expect(readClientTime(value)).toBeNull()
  })
})

const receivedAt = Date.UTC(2026, 10, 29, 12)
const [minute, day] = [60_000, 86_400_000]

/** What becomes of one event's time beside a client time. */
const seen = (clientTime: unknown, time: unknown): number | null =>
  readCorrected(time, correctionOf({ receivedAt, ...judge(readClientTime(clientTime), receivedAt, [time]) }))

describe("a time beside a client time", () => {
  const now = receivedAt
  const seconds = now / 1000
  it.each<[string, unknown, unknown, number]>([
    ["ms beside ms", now, now - minute, now - minute],
    ["ms beside ms of a slow clock", now - day, now - day - minute, now - minute],
    ["ms beside a client time in s", seconds, now - minute, now - minute],
    ["ms beside a client time in us", now * 1e3, now - minute, now - minute],
    ["ms beside a client time in ns", `${now}000000`, now - minute, now - minute],
    ["s beside s", seconds, seconds - 60, now - minute],
    ["s beside s, three years old", seconds, seconds - 1e8, now - 1e11],
    ["s with decimals beside s", seconds + 0.5, seconds - 60.25, now - 60_250],
    ["s beside s of a clock that is a day slow", seconds - 86_400, seconds - 86_400 - 60, now - minute],
    ["s as text beside s", String(seconds), String(seconds - 60), now - minute],
    ["us beside us of a slow clock", (now - day) * 1e3, (now - day - minute) * 1e3, now - minute],
    ["ns beside ns of a slow clock", (now - day) * 1e6, (now - day - minute) * 1e6, now - minute],
    ["s beside a client time in ms", now, seconds - 60, now - minute],
    ["us beside a client time in ms", now, (now - minute) * 1e3, now - minute],
    ["ns beside none", null, (now - minute) * 1e6, now - minute],
    ["s beside none", null, seconds - 60, now - minute],
    ["s of 2023 beside none", null, 1_700_000_000, 1_700_000_000_000],
    ["a date beside a client time in s", seconds, new Date(now - minute).toISOString(), now - minute],
    ["a date of January 1970", null, "1970-01-20T00:00:00Z", 19 * day],
    ["a device that counts from 1970", 5 * minute, 4 * minute, now - minute],
    ["a device up for twenty-five days", 25 * day, 25 * day - minute, now - minute],
    ["a device up for a year", 365 * day, 364 * day, now - day],
    ["a device from 1970 that counts in us", 60 * day * 1e3, (60 * day - minute) * 1e3, now - minute],
    ["an event of 1970 beside a client time of now", now, 5 * minute, 5 * minute],
    ["an event of 1970 beside a clock an hour slow", now - 60 * minute, 5 * minute, 65 * minute],
    ["an event of now beside a client time of 1970", 5 * minute, now - minute, now - minute],
    ["an event of now beside a client time of 2070", now + 16_000 * day, now - minute, now - minute],
    ["an event of 1970 beside a clock that is years ahead", now + 1000 * day, 5 * minute, 5 * minute],
    [
      "an event of 2099 beside a clock that is years slow",
      now - 1000 * day,
      4_102_444_799_999,
      4_102_444_799_999,
    ],
    ["a time that is to come", null, now / 1000 + 2e8, now / 1000 + 2e8],
    ["a time before 1970", now, -5, -5],
  ])("%s", (_, clientTime, time, expected) => {
    expect(seen(clientTime, time)).toBe(expected)
  })

  const age = fc.integer({ min: 0, max: 7 * day })
  /** Clocks that are wrong by a constant, to decades either way. */
  const error = fc.oneof(
    fc.integer({ min: -minute, max: minute }),
    fc.integer({ min: -300 * day, max: 300 * day }),
    fc.integer({ min: -56 * 365 * day, max: 70 * 365 * day }).filter((wrong) => Math.abs(wrong) > 20 * day),
  )
  const perUnit = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 } as const
  const unit = fc.constantFrom("s", "ms", "us", "ns" as const)
  const isDecidable = (kind: keyof typeof perUnit, wrong: number): boolean =>
    kind === "ms" || (kind === "s" ? Math.abs(wrong) < 365 * day : true)

  it("is within three seconds of the truth when the sender's clock is wrong by a constant, whatever it counts in", () => {
    let moved = 0
    fc.assert(
      fc.property(unit, unit, error, age, (kind, ofEvent, wrong, old) => {
        fc.pre(isDecidable(kind, wrong) && isDecidable(ofEvent, wrong))
        // An event in ms or finer needs no client time of the same unit; one in s is known by its
        // being near.
        fc.pre(kind === ofEvent || Math.abs(wrong) < 300 * day)
        const clock = Math.floor((now + wrong) * perUnit[kind])
        const time = Math.floor((now + wrong - old) * perUnit[ofEvent])
        if (Math.abs(wrong) > 2000) moved += 1
        expect(Math.abs(seen(clock, time)! - (now - old))).toBeLessThanOrEqual(3000 + 1e-3)
      }),
      { numRuns: 5_000 },
    )
    expect(moved).toBeGreaterThan(1_000)
  })

  it("of a sender with a right clock is never moved", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2000, max: 2000 }),
        // A time of early 1970 may be one in seconds.
        fc.oneof(age, fc.integer({ min: 0, max: now - 50 * day })),
        (wrong, old) => {
          expect(seen(now + wrong, now - old)).toBe(now - old)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it("never leaves 1970 to 2099 by the correction", () => {
    const count = fc.oneof(
      fc.double({ noNaN: true, min: 0, max: 1e19 }),
      ...[0, 9, 12, 15, 18].map((digits) => fc.double({ noNaN: true, min: 0, max: 5 * 10 ** digits })),
    )
    fc.assert(
      fc.property(count, count, (clientTime, time) => {
        const after = seen(clientTime, time)!
        if (after !== time) {
          expect(after).toBeGreaterThanOrEqual(0)
          expect(after).toBeLessThanOrEqual(4_102_444_800_000)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

describe("isInteger", () => {
  it("is what the OpenAPI document asks of the header", () => {
    expect(["1795296079336", " 12 ", "-1"].map(isInteger)).toEqual([true, true, true])
    expect(["", "1.5", "1,5", "1e3", "soon", "1 2"].map(isInteger)).toEqual(Array(6).fill(false))
  })
})
