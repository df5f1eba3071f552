import type { SchemaProblems } from "@millrace/core/host"
import type { Environment } from "./settings.ts"

/** `${NAME}`, or with one more `$` before it what stands for itself. */
const reference = /\$?\$\{([^{}]*)\}/g

/** `NAME`, or `NAME:-default`. */
const inside = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

const expected = `expected \${NAME} or \${NAME:-default}; $\${ stands for \${ itself`

interface Expanded {
  readonly text: string
  readonly problems: ReadonlyArray<string>
}

/**
 * Puts variables into a text. One that is empty counts as one that is not set, as it does
 * everywhere: Compose files and the like can say nothing else.
 */
const expandText = (text: string, environment: Environment): Expanded => {
  const problems: Array<string> = []
  const expanded = text.replace(reference, (found: string, within: string) => {
    if (found.startsWith("$$")) return found.slice(1)
    const [, name, otherwise] = inside.exec(within) ?? []
    if (name === undefined) {
      problems.push(expected)
      return found
    }
    const value: unknown = environment[name]
    // Names such as `constructor` give what every object has.
    if (typeof value === "string" && value !== "") return value
    if (otherwise === undefined) problems.push(`the variable ${name} is not set`)
    return otherwise ?? found
  })
  return { text: expanded, problems }
}

/**
 * Puts variables into every text of the config file; keys stay as they are. Objects have no
 * prototype, before and after.
 */
export const expand = (
  value: unknown,
  environment: Environment,
): { readonly value: unknown; readonly problems: ReadonlyArray<SchemaProblems.Problem> } => {
  const problems: Array<SchemaProblems.Problem> = []
  const within = (part: unknown, path: SchemaProblems.Path): unknown => {
    if (typeof part === "string") {
      const expanded = expandText(part, environment)
      problems.push(...expanded.problems.map((message) => ({ path, message })))
      return expanded.text
    }
    if (Array.isArray(part)) return part.map((item, index) => within(item, [...path, index]))
    if (typeof part !== "object" || part === null) return part
    const made: Record<string, unknown> = Object.create(null)
    for (const [key, item] of Object.entries(part)) made[key] = within(item, [...path, key])
    return made
  }
  return { value: within(value, []), problems }
}
