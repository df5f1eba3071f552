import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Json } from "../base/json.ts"
import type { View } from "./Export.ts"
import { isObjectField, problemOf, reader, type ScalarField } from "./fieldPath.ts"
import { glob } from "./glob.ts"

type Scalar = string | number | boolean

type Ordered = string | number

/**
 * A rule about one field of the event as it will be exported: `eventName`, `userID`, `timestamp`,
 * `value`, or a dotted path below `user`, `metadata` or `statsigMetadata`. With several operators
 * all must hold.
 *
 * - Where a path meets keys that have dots themselves, the longest key that fits is taken. A part
 *   may be the index in an array.
 * - `eq` and `in` compare strictly by type, but for numbers and booleans that stand as text on one
 *   side, as SDKs often send them: `5` equals `"5.0"`, `true` equals `"true"`. Two texts are equal
 *   only when they are the same.
 * - `gt`, `gte`, `lt` and `lte` compare numbers when both sides are numbers or text that is one;
 *   two texts by UTF-16 units, so ISO dates by time; anything else not at all.
 * - `startsWith`, `endsWith` and `glob` take numbers and booleans as text.
 * - A field that is an array matches when one of its elements does.
 * - `ne` and `nin` are the opposites of `eq` and `in`.
 * - A field that is missing or `null` fails every operator but `ne`, `nin` and `exists: false`. An
 *   exported event says that it has no `userID` or `value` by `""`: there `exists` is false, too.
 */
export interface FieldRule {
  readonly field: string
  readonly eq?: Scalar
  readonly ne?: Scalar
  readonly in?: ReadonlyArray<Scalar>
  readonly nin?: ReadonlyArray<Scalar>
  readonly gt?: Ordered
  readonly gte?: Ordered
  readonly lt?: Ordered
  readonly lte?: Ordered
  readonly exists?: boolean
  readonly startsWith?: string
  readonly endsWith?: string
  /** `*` for any characters, `?` for one. */
  readonly glob?: string
}

/** A rule over an event's fields. `all` of none holds, `any` of none does not. */
export type Where =
  | { readonly all: ReadonlyArray<Where> }
  | { readonly any: ReadonlyArray<Where> }
  | { readonly not: Where }
  | FieldRule

/** Deeper is a program's mistake rather than a person's rule. */
const maxDepth = 16

/** Counts objects only down to the bound, so that a cycle ends as well. */
const isWithin = (rule: unknown, depth: number): boolean => {
  if (typeof rule !== "object" || rule === null) return true
  if (depth === 0) return false
  const { all, any, not } = rule as { readonly [key: string]: unknown }
  return [...(Array.isArray(all) ? all : []), ...(Array.isArray(any) ? any : []), not].every((inner) =>
    isWithin(inner, depth - 1),
  )
}

const Field = Schema.String.check(
  Schema.makeFilter((path) => {
    const problem = problemOf(path)
    if (problem !== null) return problem
    const parts = path.split(".")
    if (path === "timeUUID") return "the id of an event says nothing about it"
    if (isObjectField(path)) return `expected a field below ${path}`
    return !parts.includes("*") || "a rule is about one field: wildcards are for values, with glob"
  }),
)

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]).annotate({
  message: "expected a string, a number or a boolean",
})

const Ordered = Schema.Union([Schema.String, Schema.Finite]).annotate({
  message: "expected a number or a string",
})

const operators = {
  eq: Scalar,
  ne: Scalar,
  in: Schema.Array(Scalar),
  nin: Schema.Array(Scalar),
  gt: Ordered,
  gte: Ordered,
  lt: Ordered,
  lte: Ordered,
  exists: Schema.Boolean,
  startsWith: Schema.String,
  endsWith: Schema.String,
  glob: Schema.String,
}

type Operator = keyof typeof operators

const operatorNames = Object.keys(operators) as ReadonlyArray<Operator>

const kinds = ["all", "any", "not", "field"] as const

const Inner = Schema.suspend((): Schema.Codec<Where> => Rule)

// One struct rather than a union: what is wrong is then said of the one key that is wrong.
const Rule = Schema.Struct({
  all: Schema.optionalKey(Schema.Array(Inner)),
  any: Schema.optionalKey(Schema.Array(Inner)),
  not: Schema.optionalKey(Inner),
  field: Schema.optionalKey(Field),
  ...(Object.fromEntries(
    Object.entries(operators).map(([name, schema]) => [name, Schema.optionalKey(schema)]),
  ) as { readonly [Name in Operator]: Schema.optionalKey<(typeof operators)[Name]> }),
}).check(
  Schema.makeFilter((rule) => {
    const given = kinds.filter((kind) => kind in rule)
    if (given.length !== 1) return "expected exactly one of all, any, not and field"
    const used = operatorNames.filter((name) => name in rule)
    if (given[0] !== "field") {
      return used.length === 0 || `an operator needs a field, and stands beside it: ${used.join(", ")}`
    }
    return used.length > 0 || `expected at least one of ${operatorNames.join(", ")}`
  }),
) as unknown as Schema.Codec<Where>

const decodeRule = Schema.decodeUnknownResult(Schema.NullOr(Rule))

/** A {@link Where}, or `null` for none. */
// A check, not a transformation: what is wrong with a rule is then found together with whatever
// else is wrong beside it.
export const Where = Schema.Unknown.check(
  Schema.makeFilter((rule, _, options) => {
    if (!isWithin(rule, maxDepth)) return `expected rules nested ${maxDepth} deep at most`
    const decoded = decodeRule(rule, options)
    return Result.isSuccess(decoded) || decoded.failure.issue
  }),
) as unknown as Schema.Codec<Where | null>

// No two parts of it take the same digits: it never looks at a text twice, however long that is.
const numeric = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

/** Reads a number, or text that is one: no blanks, no hexadecimal. */
const numberOf = (value: Json): number | null => {
  if (typeof value === "number") return value
  return typeof value === "string" && numeric.test(value) ? Number(value) : null
}

type Test = (value: Json) => boolean

const isScalar = (value: Json): value is Scalar =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

const isIn = (members: ReadonlyArray<Scalar>): Test => {
  const exact = new Set<Json>(members)
  /** What members of another type look like as the value's. */
  const numbers = new Set(members.filter((member) => typeof member === "number"))
  const texts = members.filter((member) => typeof member === "string")
  const numericTexts = new Set(texts.map(numberOf).filter((number) => number !== null))
  return (value) => {
    if (exact.has(value)) return true
    switch (typeof value) {
      case "number":
        return numericTexts.has(value)
      case "boolean":
        return exact.has(String(value))
      case "string":
        if (value === "true" || value === "false") return exact.has(value === "true")
        if (numbers.size === 0) return false
        return numbers.has(numberOf(value) ?? Number.NaN)
      default:
        return false
    }
  }
}

const order = <A extends Ordered>(a: A, b: A): number => (a < b ? -1 : a > b ? 1 : 0)

const compares = (bound: Ordered, holds: (sign: number) => boolean): Test => {
  const boundNumber = numberOf(bound)
  return (value) => {
    const number = boundNumber === null ? null : numberOf(value)
    if (boundNumber !== null && number !== null) return holds(order(number, boundNumber))
    return typeof value === "string" && typeof bound === "string" && holds(order(value, bound))
  }
}

const ofText =
  (matches: (text: string) => boolean): Test =>
  (value) =>
    isScalar(value) && matches(String(value))

/** An array's elements are asked one by one; those that are arrays or objects match nothing. */
const some =
  (test: Test): ((value: Json | undefined) => boolean) =>
  (value) =>
    value !== undefined && (Array.isArray(value) ? value.some(test) : test(value))

const never =
  (test: (value: Json | undefined) => boolean) =>
  (value: Json | undefined): boolean =>
    !test(value)

type Tests = {
  readonly [Name in Operator]: (operand: never, field: string) => (value: Json | undefined) => boolean
}

const tests: Tests = {
  eq: (operand: Scalar) => some(isIn([operand])),
  ne: (operand: Scalar) => never(some(isIn([operand]))),
  in: (operand: ReadonlyArray<Scalar>) => some(isIn(operand)),
  nin: (operand: ReadonlyArray<Scalar>) => never(some(isIn(operand))),
  gt: (operand: Ordered) => some(compares(operand, (sign) => sign > 0)),
  gte: (operand: Ordered) => some(compares(operand, (sign) => sign >= 0)),
  lt: (operand: Ordered) => some(compares(operand, (sign) => sign < 0)),
  lte: (operand: Ordered) => some(compares(operand, (sign) => sign <= 0)),
  exists: (operand: boolean, field: string) => {
    const none = field === "userID" || field === "value" ? "" : undefined
    return (value) => (value !== undefined && value !== none) === operand
  },
  startsWith: (operand: string) => some(ofText((text) => text.startsWith(operand))),
  endsWith: (operand: string) => some(ofText((text) => text.endsWith(operand))),
  glob: (operand: string) => some(ofText(glob(operand))),
}

const readField = (field: string): ((view: View) => Json | undefined) => {
  const [root, ...parts] = field.split(".")
  if (!isObjectField(root!)) {
    const name = field as Exclude<ScalarField, "timeUUID">
    return (view) => view[name]
  }
  const below = reader(parts)
  return (view) => below(view[root])
}

const compileField = (rule: FieldRule): ((view: View) => boolean) => {
  const read = readField(rule.field)
  const used = operatorNames
    .filter((name) => rule[name] !== undefined)
    .map((name) => tests[name](rule[name] as never, rule.field))
  if (used.length === 1) {
    const [test] = used
    return (view) => test!(read(view))
  }
  return (view) => {
    const value = read(view)
    return used.every((test) => test(value))
  }
}

/** Compiles a rule that {@link Where} has let through. */
export const compile = (rule: Where): ((view: View) => boolean) => {
  if ("all" in rule) {
    const inner = rule.all.map(compile)
    return (view) => inner.every((holds) => holds(view))
  }
  if ("any" in rule) {
    const inner = rule.any.map(compile)
    return (view) => inner.some((holds) => holds(view))
  }
  if ("not" in rule) {
    const inner = compile(rule.not)
    return (view) => !inner(view)
  }
  return compileField(rule)
}

/** Where a rule does not hold: a field, what it has, and what would have let the event pass. */
export interface Unmet {
  readonly field: string
  /** JSON text, cut; `null` when there is nothing. */
  readonly found: string | null
  /** In words: `in [DE, AT, CH]`. */
  readonly expected: string
}

/** Characters of a value, and members of a list, that are shown. */
const maxShown = { text: 200, members: 10 }

const cut = (text: string): string =>
  text.length > maxShown.text ? `${text.slice(0, maxShown.text - 1)}…` : text

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

const listed = (members: ReadonlyArray<unknown>): string => {
  const rest = members.length - maxShown.members
  const some = members.slice(0, maxShown.members).map(shown)
  return `[${[...some, ...(rest > 0 ? [`${rest} more`] : [])].join(", ")}]`
}

const inWords: { readonly [Name in Operator]: (operand: never) => string } = {
  eq: (operand: unknown) => shown(operand),
  ne: (operand: unknown) => `other than ${shown(operand)}`,
  in: (operand: ReadonlyArray<unknown>) => `in ${listed(operand)}`,
  nin: (operand: ReadonlyArray<unknown>) => `outside ${listed(operand)}`,
  gt: (operand: unknown) => `over ${shown(operand)}`,
  gte: (operand: unknown) => `${shown(operand)} or more`,
  lt: (operand: unknown) => `under ${shown(operand)}`,
  lte: (operand: unknown) => `${shown(operand)} or less`,
  exists: (operand: boolean) => (operand ? "there" : "missing"),
  startsWith: (operand: unknown) => `beginning with ${shown(operand)}`,
  endsWith: (operand: unknown) => `ending with ${shown(operand)}`,
  glob: (operand: unknown) => `like ${shown(operand)}`,
}

/** Shows the first of a field's operators that decides: by not holding, or by holding. */
const leafOf = (rule: FieldRule, view: View, no: boolean): Unmet => {
  const value = readField(rule.field)(view)
  const used = operatorNames.filter((name) => rule[name] !== undefined)
  const name = used.find((one) => tests[one](rule[one] as never, rule.field)(value) !== no) ?? used[0]!
  return {
    field: rule.field,
    found: value === undefined ? null : cut(JSON.stringify(value)),
    expected: cut(inWords[name](rule[name] as never)),
  }
}

const nothing: Unmet = { field: "", found: null, expected: "one of no rules" }

/** Why a rule that does not hold does not. */
const whyNot = (rule: Where, view: View): Unmet => {
  if ("all" in rule) {
    const failing = rule.all.find((inner) => !compile(inner)(view))
    return failing === undefined ? nothing : whyNot(failing, view)
  }
  if ("any" in rule) {
    const [first] = rule.any
    if (first === undefined) return nothing
    const unmet = whyNot(first, view)
    const others = rule.any.length - 1
    return others === 0
      ? unmet
      : {
          ...unmet,
          expected: `${unmet.expected}, or what ${others === 1 ? "another rule asks" : `${others} other rules ask`}`,
        }
  }
  return "not" in rule ? whyHeld(rule.not, view) : leafOf(rule, view, true)
}

/** What a rule that holds has found, where it should not. */
const whyHeld = (rule: Where, view: View): Unmet => {
  if ("not" in rule) return whyNot(rule.not, view)
  if ("all" in rule || "any" in rule) {
    const inner = "all" in rule ? rule.all[0] : rule.any.find((one) => compile(one)(view))
    return inner === undefined ? { ...nothing, expected: "no rule that always holds" } : whyHeld(inner, view)
  }
  const { expected, ...leaf } = leafOf(rule, view, false)
  return { ...leaf, expected: cut(`not ${expected}`) }
}

/** Says why a rule that {@link Where} has let through does not hold; `null` when it does. */
export const explain = (rule: Where): ((view: View) => Unmet | null) => {
  const holds = compile(rule)
  return (view) => (holds(view) ? null : whyNot(rule, view))
}
