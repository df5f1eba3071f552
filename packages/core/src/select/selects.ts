import { type Category, categories, type Filter } from "./Filter.ts"
import type { FieldRule, Where } from "./Where.ts"

/** Patterns and conditions that are named; of more it is said how many there are. */
const maxNamed = 3

/** Characters of one name or value: a sentence is to be read at a glance. */
const maxText = 40

const cut = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text)

const listed = (parts: ReadonlyArray<string>, word: "and" | "or"): string =>
  parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1)}`

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** The first ones by name, the others by number. */
const named = (patterns: ReadonlyArray<string>, word: "and" | "or"): string => {
  const rest = patterns.length - maxNamed
  const shown = rest > 1 ? patterns.slice(0, maxNamed) : patterns
  return listed([...shown.map(cut), ...(rest > 1 ? [`${rest} more patterns`] : [])], word)
}

const words: Readonly<Record<Category, string>> = {
  exposures: "exposures",
  config_changes: "configuration changes",
  custom: "custom events",
  auto_capture: "auto capture",
  internal: "internal events",
}

/** What the categories and the table of custom events let through, before anything else. */
const subjectsOf = ({ categories: on, newCustomEvents, customEvents }: Filter): ReadonlyArray<string> => {
  const ticked = Object.values(customEvents).filter((isOn) => isOn).length
  return categories.flatMap((category) => {
    if (!on[category]) return []
    if (category !== "custom" || newCustomEvents) return [words[category]]
    return ticked === 0 ? [] : [counted(ticked, "custom event")]
  })
}

const usual: ReadonlyArray<Category> = categories.filter((category) => category !== "internal")

const shown = (value: unknown): string => cut(JSON.stringify(value) ?? "")

const operators: ReadonlyArray<readonly [keyof FieldRule, (operand: never) => string]> = [
  ["eq", (operand: unknown) => `is ${shown(operand)}`],
  ["ne", (operand: unknown) => `is not ${shown(operand)}`],
  ["in", (operand: ReadonlyArray<unknown>) => `is ${oneOf(operand)}`],
  ["nin", (operand: ReadonlyArray<unknown>) => `is not ${oneOf(operand)}`],
  ["gt", (operand: unknown) => `is over ${shown(operand)}`],
  ["gte", (operand: unknown) => `is ${shown(operand)} or more`],
  ["lt", (operand: unknown) => `is under ${shown(operand)}`],
  ["lte", (operand: unknown) => `is ${shown(operand)} or less`],
  ["startsWith", (operand: unknown) => `begins with ${shown(operand)}`],
  ["endsWith", (operand: unknown) => `ends with ${shown(operand)}`],
  ["glob", (operand: unknown) => `matches ${shown(operand)}`],
]

const oneOf = (members: ReadonlyArray<unknown>): string => {
  const rest = members.length - maxNamed
  if (members.length < 2) return members.length === 0 ? "one of none" : shown(members[0])
  return `one of ${listed([...members.slice(0, maxNamed).map(shown), ...(rest > 0 ? [`${rest} more`] : [])], "and")}`
}

/** A rule over fields as one condition; `null` when it says too much for a sentence. */
const conditionOf = (rule: Where): string | null => {
  if (!("field" in rule)) return null
  const field = cut(rule.field)
  const said = operators.flatMap(([name, word]) =>
    rule[name] === undefined ? [] : [word(rule[name] as never)],
  )
  if (rule.exists !== undefined) {
    return said.length === 0 ? `${rule.exists ? "with" : "without"} ${field}` : null
  }
  return `where ${field} ${listed(said, "and")}`
}

const conditionsOf = (where: Where | null): ReadonlyArray<string> => {
  if (where === null) return []
  const rules = "all" in where ? where.all : [where]
  const said = rules.map(conditionOf)
  const named = said.flatMap((condition) => condition ?? []).slice(0, maxNamed)
  const rest = rules.length - named.length
  if (rest === 0) return named
  return [...named, named.length === 0 ? `by ${counted(rest, "rule")}` : `by ${counted(rest, "more rule")}`]
}

/** A share without the noise of binary fractions: 0.07 is 7 %. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/**
 * What a filter gets, as a sentence without its full stop: "everything", "custom events, but 2
 * names and debug_*", "4 custom events, with metadata.currency". Names that are switched off are
 * counted, since tables of them are long; its length has a bound, whatever the filter is.
 *
 * @param hasPredicate a program's own code decides besides
 */
export const selects = (filter: Filter, hasPredicate = false): string => {
  const subjects = subjectsOf(filter)
  if (subjects.length === 0 || filter.sample === 0) return "nothing"
  const { categories: on, newCustomEvents, customEvents } = filter
  const isUsual = newCustomEvents && usual.every((category) => on[category])
  const what = isUsual ? "everything" : listed(subjects, "and")
  const off = Object.values(customEvents).filter((isOn) => !isOn).length
  const isNamedOff = on.custom && newCustomEvents && off > 0
  const but = [
    ...(isNamedOff ? [counted(off, "name")] : []),
    ...(filter.exclude.length > 0 ? [named(filter.exclude, "and")] : []),
  ]
  const { include } = filter
  return [
    what,
    ...(isUsual && on.internal ? ["internal events too"] : []),
    ...(include.includes("*")
      ? []
      : [include.length === 0 ? "with a name that matches nothing" : `named ${named(include, "or")}`]),
    ...(but.length > 0 ? [`but ${listed(but, "and")}`] : []),
    ...conditionsOf(filter.where),
    ...(filter.sample < 1 ? [`of ${percent(filter.sample)} of users`] : []),
    ...(hasPredicate ? ["as the program decides"] : []),
  ].join(", ")
}
