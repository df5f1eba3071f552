/** What a selection lets pass, in the rows of a table. */

import { count, plural } from "../text/numbers.ts"
import { categories } from "../text/words.ts"
import { type Category, type Selection, toFilterForm } from "./filterForm.ts"
import { comparisons } from "./whereRows.ts"

export interface FilterLine {
  readonly name: string
  readonly value: string
  readonly isCode?: boolean
}

const customSays = ({ filter }: Selection): string => {
  if (!filter.categories.custom) return "left out"
  const switches = Object.values(filter.customEvents)
  const off = switches.filter((isOn) => !isOn).length
  if (filter.newCustomEvents) return off === 0 ? "sent" : `sent, but for ${plural(off, "name")}`
  return `${count(switches.length - off)} of ${plural(switches.length, "name")}; new ones are left out`
}

const whereSays = (selection: Selection): FilterLine => {
  const { where } = toFilterForm(selection)
  if (selection.filter.where === null) return { name: "Where", value: "no rule" }
  if (where.kind === "json")
    return { name: "Where", value: JSON.stringify(selection.filter.where), isCode: true }
  const rules = where.rows.map(({ field, comparison, value }) =>
    `${field} ${comparisons[comparison]} ${value}`.trimEnd(),
  )
  return { name: "Where", value: rules.join(" and "), isCode: true }
}

const fieldsSay = ({ fields: { drop, keep, hash } }: Selection): string => {
  const parts = [
    ...(keep === null ? [] : [`only ${keep.length === 0 ? "what is always there" : keep.join(", ")}`]),
    ...(drop.length === 0 ? [] : [`without ${drop.join(", ")}`]),
    ...(hash.length === 0 ? [] : [`hashed: ${hash.join(", ")}`]),
  ]
  return parts.length === 0 ? "all" : parts.join("; ")
}

export const linesOf = (selection: Selection): ReadonlyArray<FilterLine> => {
  const { filter } = selection
  const form = toFilterForm(selection)
  return [
    ...Object.entries(categories).map(([id, name]) => ({
      name,
      value:
        id === "custom" ? customSays(selection) : filter.categories[id as Category] ? "sent" : "left out",
    })),
    ...(form.include === "*"
      ? []
      : [{ name: "Names", value: form.include === "" ? "none" : form.include, isCode: true }]),
    ...(form.exclude === "" ? [] : [{ name: "But not", value: form.exclude, isCode: true }]),
    whereSays(selection),
    { name: "Sample", value: filter.sample === 1 ? "all users" : `${form.sample} % of users` },
    { name: "Fields", value: fieldsSay(selection) },
  ]
}
