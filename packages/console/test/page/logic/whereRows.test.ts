import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { fromForm, toForm } from "../../../web/logic/whereRows.ts"
import { anyWhere } from "./arbitraries.ts"

const there = (where: Parameters<typeof toForm>[0]) => fromForm(toForm(where))

it("gives every rule back as it was", () => {
  fc.assert(
    fc.property(anyWhere, (where) => {
      expect(there(where)).toEqual({ ok: true, where })
    }),
    { numRuns: 500 },
  )
})

describe("rows", () => {
  it("are what a rule is that only joins by and", () => {
    const where = {
      all: [
        { field: "user.country", in: ["DE", "AT"] },
        { field: "value", gt: 5 },
      ],
    }
    expect(toForm(where)).toEqual({
      kind: "rows",
      isAlone: false,
      rows: [
        { field: "user.country", comparison: "in", value: "DE, AT" },
        { field: "value", comparison: "gt", value: "5" },
      ],
    })
  })

  it("tell a number from a text that looks like one", () => {
    const form = toForm({
      all: [
        { field: "value", eq: 5 },
        { field: "value", eq: "5" },
      ],
    })
    expect(form.kind === "rows" && form.rows.map(({ value }) => value)).toEqual(["5", '"5"'])
    expect(
      fromForm({ kind: "rows", isAlone: false, rows: [{ field: "a", comparison: "eq", value: "true" }] }),
    ).toEqual({
      ok: true,
      where: { all: [{ field: "a", eq: true }] },
    })
  })

  it("are not what any, not, or two comparisons of one field are", () => {
    for (const where of [
      { any: [{ field: "value", eq: 1 }] },
      { not: { field: "value", eq: 1 } },
      { field: "value", gt: 1, lt: 3 },
      { all: [] },
    ]) {
      expect(toForm(where).kind).toBe("json")
    }
  })

  it("of none are no rule", () => {
    expect(fromForm({ kind: "rows", rows: [], isAlone: true })).toEqual({ ok: true, where: null })
  })
})

it("says what is no JSON, and what is no rule", () => {
  expect(fromForm({ kind: "json", text: "{" })).toMatchObject({ ok: false })
  expect(fromForm({ kind: "json", text: "[]" })).toMatchObject({
    ok: false,
    message: expect.stringContaining("object"),
  })
  expect(fromForm({ kind: "json", text: " " })).toEqual({ ok: true, where: null })
})
