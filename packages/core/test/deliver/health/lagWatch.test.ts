import { expect, test } from "vitest"
import { look } from "../../../src/deliver/health/lagWatch.ts"

const everybody = () => true

test("who is late is told once, and who is not any more once", () => {
  const first = look(new Map(), new Map(Object.entries({ a: 0, b: 50 })), 100, 100, everybody)
  expect(first.findings).toEqual([{ type: "lag", destination: "a", since: 0, cause: null }])
  expect(first.due).toBe(150)
  const second = look(first.late, new Map(Object.entries({ a: 40, b: 50 })), 100, 150, everybody)
  expect(second.findings).toEqual([{ type: "lag", destination: "b", since: 50, cause: null }])
  expect(second.due).toBe(Number.POSITIVE_INFINITY)
  const third = look(second.late, new Map([["b", 190]]), 100, 200, everybody)
  expect(third.findings).toEqual([
    { type: "recovered", destination: "a", since: 0, cause: "lag" },
    { type: "recovered", destination: "b", since: 50, cause: "lag" },
  ])
  expect(third.due).toBe(290)
})

test("of a destination that is another process's nothing is told", () => {
  expect(look(new Map([["a", 0]]), new Map(), 100, 200, () => false).findings).toEqual([])
})
