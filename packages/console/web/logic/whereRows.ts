/**
 * A filter's rule over fields, as a form has it: rows that must all hold, or JSON where it is more
 * than that. Going there and back changes nothing.
 */
import type { Where } from "@millrace/core"
import { itemsOf, toItem } from "./quoted.ts"

type Rule = Where.Where

type Scalar = string | number | boolean

/** The comparisons, in the order of the list, with the words for them. */
export const comparisons = {
  eq: "is",
  ne: "is not",
  in: "is one of",
  nin: "is none of",
  gt: "is more than",
  gte: "is at least",
  lt: "is less than",
  lte: "is at most",
  exists: "exists",
  missing: "does not exist",
  startsWith: "begins with",
  endsWith: "ends with",
  glob: "matches",
} as const

export type Comparison = keyof typeof comparisons

export interface Row {
  readonly field: string
  readonly comparison: Comparison
  /** What it is compared with; a number is written as one, a text that looks like one in quotes. */
  readonly value: string
}

export type WhereForm =
  /** `isAlone`: the only row is the rule itself, and not in an `all`. */
  | { readonly kind: "rows"; readonly rows: ReadonlyArray<Row>; readonly isAlone: boolean }
  | { readonly kind: "json"; readonly text: string }

const noRows: WhereForm = { kind: "rows", rows: [], isAlone: false }

export const newRow: Row = { field: "metadata.", comparison: "eq", value: "" }

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i

const isScalarText = (text: string): boolean => text === "true" || text === "false" || number.test(text)

const scalarOf = (text: string): Scalar => {
  if (text === "true" || text === "false") return text === "true"
  // One that overflows would be no number in JSON.
  return number.test(text) && Number.isFinite(Number(text)) ? Number(text) : text
}

const textOf = (value: Scalar): string =>
  typeof value === "string" ? toItem(value, isScalarText) : String(value)

/** One value: what stands in quotes is a text, whatever it looks like; a comma is a comma. */
const readOne = (text: string): Scalar => {
  const bare = text.trim()
  if (!bare.startsWith('"')) return scalarOf(bare)
  try {
    const value: unknown = JSON.parse(bare)
    return typeof value === "string" ? value : bare
  } catch {
    return bare
  }
}

const readMany = (line: string): ReadonlyArray<Scalar> =>
  itemsOf(line).map(({ text, isQuoted }) => (isQuoted ? text : scalarOf(text)))

/** A comparison with text keeps a number as the text it is. */
const readText = (text: string): string => {
  if (!/^\s*"/.test(text)) return text.trim()
  const value = readOne(text)
  return typeof value === "string" ? value : text.trim()
}

const isText = (comparison: Comparison): boolean => ["startsWith", "endsWith", "glob"].includes(comparison)

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" ||
  (typeof value === "number" && !Object.is(value, -0)) ||
  typeof value === "boolean"

const rowOf = (rule: Rule): Row | null => {
  const { field, ...operators } = rule as { readonly field?: string; readonly [operator: string]: unknown }
  const [operator, ...more] = Object.entries(operators)
  if (typeof field !== "string" || operator === undefined || more.length > 0) return null
  const [comparison, operand] = operator
  if (comparison === "exists" && typeof operand === "boolean") {
    return { field, comparison: operand ? "exists" : "missing", value: "" }
  }
  if (!Object.hasOwn(comparisons, comparison) || comparison === "missing") return null
  const row = (value: string): Row => ({ field, comparison: comparison as Comparison, value })
  if (Array.isArray(operand)) return operand.every(isScalar) ? row(operand.map(textOf).join(", ")) : null
  if (!isScalar(operand)) return null
  if (isText(comparison as Comparison)) return typeof operand === "string" ? row(toItem(operand)) : null
  return row(textOf(operand))
}

const ruleOf = ({ field, comparison, value }: Row): Rule => {
  switch (comparison) {
    case "exists":
    case "missing":
      return { field, exists: comparison === "exists" }
    case "in":
    case "nin":
      return { field, [comparison]: readMany(value) }
    case "startsWith":
    case "endsWith":
    case "glob":
      return { field, [comparison]: readText(value) }
    default:
      return { field, [comparison]: readOne(value) } as Rule
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** As JSON, however simple it is. */
export const asJson = (where: Rule | null): WhereForm => ({
  kind: "json",
  text: where === null ? "" : JSON.stringify(where, null, 2),
})

/** As rows where it is no more than that, and as JSON where it is. */
export const toForm = (where: Rule | null): WhereForm => {
  if (where === null) return noRows
  const isAlone = !("all" in where)
  const rows = (isAlone ? [where] : where.all).map(rowOf)
  const form: WhereForm = {
    kind: "rows",
    rows: rows.filter((row) => row !== null),
    isAlone,
  }
  // What would not come back as it was is shown as it is.
  const back = rows.includes(null) || rows.length === 0 ? null : fromForm(form)
  return back?.ok && same(back.where, where) ? form : asJson(where)
}

export type FromWhere =
  | { readonly ok: true; readonly where: Rule | null }
  | { readonly ok: false; readonly message: string }

export function fromForm(form: WhereForm): FromWhere {
  if (form.kind === "rows") {
    const rules = form.rows.map(ruleOf)
    if (rules.length === 0) return { ok: true, where: null }
    return { ok: true, where: form.isAlone && rules.length === 1 ? rules[0]! : { all: rules } }
  }
  if (form.text.trim() === "") return { ok: true, where: null }
  try {
    const where: unknown = JSON.parse(form.text)
    // What else it may be is for the server to say.
    if (typeof where === "object" && !Array.isArray(where)) return { ok: true, where: where as Rule | null }
    return { ok: false, message: 'expected an object like {"field": "user.country", "eq": "DE"}' }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : "expected JSON" }
  }
}
