import { describe, expect, it, vi } from "vitest"
import { isInteger, readClientTime, readTime } from "../../src/internal/time.ts"

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
    ["1795296079", 1_795_296_079_000],
    [1_795_296_079.5, 1_795_296_079_500],
    ["99999999999", 99_999_999_999_000],
    ["100000000000", 100_000_000_000],
  ])("%j is %d", (value, expected) => {
    expect(readClientTime(value)).toBe(expected)
  })

  it.each([
    [""],
    ["now"],
    ["0"],
    ["-1795296079336"],
    ["9e15"],
    ["1e999"],
    [true],
    [null],
    [undefined],
    ["1, 2"],
  ])("%j is none", (value) => {
    expect(readClientTime(value)).toBeNull()
  })
})

describe("isInteger", () => {
  it("is what the OpenAPI document asks of the header", () => {
    expect(["1795296079336", " 12 ", "-1"].map(isInteger)).toEqual([true, true, true])
    expect(["", "1.5", "1,5", "1e3", "soon", "1 2"].map(isInteger)).toEqual(Array(6).fill(false))
  })
})
