import { expect, it } from "vitest"
import { inWords, mistakesOf, saidOf, saidOfRow, unplaced } from "../../../web/logic/problems.ts"

const message = [
  "filter.where.all[1].field: expected a field below user",
  "filter.sample: expected a value between 0 and 1",
  "fields.hash: needs the option hashKey",
  "something else: altogether",
].join("\n")

const mistakes = mistakesOf(message)

it("puts each line where it belongs", () => {
  expect(saidOfRow(mistakes, 1, false)).toBe("expected a field below user")
  expect(saidOfRow(mistakes, 0, false)).toBeNull()
  expect(saidOf(mistakes, "filter.sample")).toBe("expected a value between 0 and 1")
  expect(saidOf(mistakes, "fields")).toBe("needs the option hashKey")
})

it("says of the only row what is said of the whole rule", () => {
  expect(saidOfRow(mistakesOf("filter.where.field: missing"), 0, true)).toBe("missing")
})

it("does not take sample for sampled, and keeps what has no place", () => {
  expect(saidOf(mistakesOf("filter.sampled: unknown key"), "filter.sample")).toBeNull()
  expect(unplaced(mistakes, ["filter", "fields"]).map(inWords)).toEqual(["something else: altogether"])
})
