import { expect, test } from "vitest"
import { measureLoopDelay } from "../../src/metrics/loopDelay.ts"

test("two that ask one after the other are told the same, and the next of the time since", () => {
  let now = 0
  const ask = measureLoopDelay(() => now)
  const first = ask()
  expect(first).toEqual({ p99: 0, max: 0 })
  now = 4_999
  expect(ask()).toBe(first)
  now = 5_000
  expect(ask()).not.toBe(first)
})
