import { expect, test } from "vitest"
import { look } from "../../../src/deliver/health/lagWatch.ts"

const everybody = () => true
const nobody = () => false

test("who is late is told once, and who is not any more once", () => {
  const first = look(new Map(), new Map(Object.entries({ a: 0, b: 50 })), 100, 100, everybody, nobody)
  expect(first.findings).toEqual([{ type: "lag", destination: "a", since: 0, cause: null }])
  expect(first.due).toBe(150)
  const second = look(first.late, new Map(Object.entries({ a: 40, b: 50 })), 100, 150, everybody, nobody)
  expect(second.findings).toEqual([{ type: "lag", destination: "b", since: 50, cause: null }])
  expect(second.due).toBe(Number.POSITIVE_INFINITY)
  const third = look(second.late, new Map([["b", 190]]), 100, 200, everybody, nobody)
  expect(third.findings).toEqual([
    { type: "recovered", destination: "a", since: 0, cause: "lag" },
    { type: "recovered", destination: "b", since: 50, cause: "lag" },
  ])
  expect(third.due).toBe(290)
})

test("of a destination that is another process's nothing is told", () => {
  expect(look(new Map([["a", 0]]), new Map(), 100, 200, nobody, nobody).findings).toEqual([])
})

test("while an alert says that a destination fails, that its events wait is not told besides", () => {
  const since = new Map([["a", 0]])
  expect(look(new Map(), since, 100, 200, everybody, everybody)).toEqual({
    late: new Map(),
    findings: [],
    due: Number.POSITIVE_INFINITY,
  })
  expect(look(since, since, 100, 200, everybody, everybody).late).toEqual(since)
})
