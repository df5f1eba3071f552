import * as fc from "fast-check"
import { expect, test } from "vitest"
import * as Delivery from "../../src/deliver/Delivery.ts"

test.each([
  [[200, 201, 202, 204, 299], "delivered"],
  [[400, 422], "refused"],
  [[413], "too-large"],
  [[410], "gone"],
  [[408, 425, 429, 500, 501, 502, 503, 504, 599], "not-now"],
  [[301, 302, 307, 308, 401, 403, 404, 405, 402, 406, 409, 411, 415, 418, 451], "misconfigured"],
] as const)("%j: %s", (statuses, outcome) => {
  for (const status of statuses) expect(Delivery.outcomeOfStatus(status)).toBe(outcome)
})

const now = Date.parse("2026-01-01T00:00:00Z")

test.each([
  ["30", 30_000],
  [" 5 ", 5_000],
  ["0", 0],
  ["86400", Delivery.maxRetryAfter],
  ["Thu, 01 Jan 2026 00:00:45 GMT", 45_000],
  ["Wed, 31 Dec 2025 23:00:00 GMT", 0],
  ["Thu, 01 Jan 2099 00:00:00 GMT", Delivery.maxRetryAfter],
  ["soon", null],
  ["-5", null],
  ["1.5", null],
  ["", null],
  ["2026", 2_026_000],
  ["Thu, 99 Foo", null],
] as const)("Retry-After %j is %j ms", (header, expected) => {
  expect(Delivery.parseRetryAfter(header, now)).toBe(expected)
})

const policy = { first: 1000, max: 3_600_000, giveUpAfter: 604_800_000 }

test("back-off doubles from first to max, with full jitter", () => {
  const ceilings = [1, 2, 3, 4, 12, 13, 100, 5000].map(
    (failures) => Delivery.waitAfter(policy, failures, null, 1 - Number.EPSILON).millis + 1,
  )
  expect(ceilings).toEqual([1000, 2000, 4000, 8000, 2_048_000, 3_600_000, 3_600_000, 3_600_000])
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const { millis, reason } = Delivery.waitAfter(policy, failures, null, random)
        expect(reason).toBe("back-off")
        expect(millis).toBeGreaterThanOrEqual(0)
        expect(millis).toBeLessThan(Math.min(1000 * 2 ** (failures - 1), 3_600_000))
      },
    ),
  )
})

test("the longer of what the receiver asks for and the back-off counts", () => {
  expect(Delivery.waitAfter(policy, 5, 30_000, 0.5)).toEqual({ millis: 30_000, reason: "Retry-After" })
  expect(Delivery.waitAfter(policy, 5, 0, 0.5)).toEqual({ millis: 8_000, reason: "back-off" })
  expect(Delivery.waitAfter(policy, 20, 30_000, 0.5)).toEqual({ millis: 1_800_000, reason: "back-off" })
})
