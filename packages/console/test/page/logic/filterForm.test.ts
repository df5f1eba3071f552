import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  fromFilterForm,
  isDirty,
  isTicked,
  sameSelection,
  standing,
  tick,
  tickedOf,
  toFilterForm,
} from "../../../web/logic/filterForm.ts"
import { count } from "../../../web/text/numbers.ts"
import { anySelection, plain } from "./arbitraries.ts"

it("gives every selection back as it was, and calls nothing changed", () => {
  fc.assert(
    fc.property(anySelection, (selection) => {
      const form = toFilterForm(selection)
      expect(fromFilterForm(form)).toEqual({ ok: true, selection })
      expect(isDirty(form, selection)).toBe(false)
    }),
    { numRuns: 500 },
  )
})

describe("ticking names", () => {
  const saved = {
    ...plain,
    filter: { ...plain.filter, customEvents: { bought: true }, newCustomEvents: false },
  }
  const form = toFilterForm(saved)

  it("gives each a switch of its own", () => {
    const ticked = tick(form, saved, ["viewed", "left"], true)
    expect(["bought", "viewed", "left", "new"].map((name) => isTicked(ticked, name))).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(isDirty(ticked, saved)).toBe(true)
  })

  it("and back leaves nothing to save", () => {
    const back = tick(tick(form, saved, ["bought", "viewed"], true), saved, ["viewed"], false)
    expect(isDirty(back, saved)).toBe(false)
  })

  it("keeps the switch of a name that had one", () => {
    const off = tick(form, saved, ["bought"], false)
    expect(off.customEvents).toEqual({ bought: false })
  })

  it("takes an event called __proto__ for a name", () => {
    const ticked = tick(form, saved, ["__proto__"], true)
    expect(isTicked(ticked, "__proto__")).toBe(true)
    expect(isTicked(ticked, "toString")).toBe(false)
  })

  it("says of the names shown whether all, some or none are", () => {
    expect(tickedOf(form, ["bought", "viewed"])).toBe("some")
    expect(tickedOf(form, ["bought"])).toBe("all")
    expect(tickedOf(form, [])).toBe("none")
  })
})

it("says what cannot be read, all of it", () => {
  const form = { ...toFilterForm(plain), sample: "many", where: { kind: "json" as const, text: "{" } }
  const made = fromFilterForm(form)
  expect(made.ok).toBe(false)
  expect(made.ok ? [] : made.mistakes.map(({ path }) => path)).toEqual(["filter.where", "filter.sample"])
  expect(isDirty(form, plain)).toBe(true)
})

it("takes the order of keys for nothing, and that of names for something", () => {
  const { filter, fields, exposures } = plain
  expect(sameSelection({ exposures, fields, filter }, plain)).toBe(true)
  const a = { ...plain, filter: { ...filter, include: ["a", "b"] } }
  const b = { ...plain, filter: { ...filter, include: ["b", "a"] } }
  expect(sameSelection(a, b)).toBe(false)
})

it("says what a change applies to, and where a configured filter stands", () => {
  const of = { id: "billing", waiting: 812_406, count, isDirty: true, isConfigured: false }
  expect(standing(of)).toBe("Not saved. Applies to the 812,406 events that wait, and what comes.")
  expect(standing({ ...of, waiting: 0 })).toBe("Not saved. Applies to what comes.")
  expect(standing({ ...of, isDirty: false })).toBe("")
  expect(standing({ ...of, isConfigured: true })).toContain("copy the JSON there")
})
