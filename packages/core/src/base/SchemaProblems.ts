import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { OptionProblem } from "./InvalidOptions.ts"
import { didYouMean } from "./nearest.ts"

const unknownKey = "unknown key"

/** Which keys there are instead, for {@link suggesting}: a line each. */
const knownKeys = ({ ast }: SchemaIssue.UnexpectedKey): string =>
  ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => `\n${String(name)}`).join("") : ""

/** Says which key is probably meant by the one that a path ends with. */
const suggesting = (message: string, path: Path): string => {
  const [said, ...known] = message.split("\n")
  return said === unknownKey ? `${unknownKey}${didYouMean(String(path.at(-1)), known)}` : message
}

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "UnexpectedKey":
        return `${unknownKey}${knownKeys(issue)}`
      case "MissingKey":
        return "missing"
      default:
        return SchemaIssue.defaultLeafHook(issue)
    }
  },
})

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

/** Keys and indexes, from the outside in. */
export type Path = ReadonlyArray<string | number>

export interface Problem {
  readonly path: Path
  /** What is wrong, never with the value: it may be a secret. */
  readonly message: string
}

/** What a Schema has against a value, all of it, for people who have to mend it. */
export const read = (error: Schema.SchemaError): ReadonlyArray<Problem> =>
  format(error.issue).issues.map(({ path: parts = [], message }) => {
    const path = parts.map((part) => {
      const key = typeof part === "object" ? part.key : part
      return typeof key === "symbol" ? String(key) : key
    })
    return { path, message: suggesting(lowerFirst(message), path) }
  })

/** `destinations[0].batch.maxEvents` */
export const pathText = (path: Path): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`
    return text === "" ? key : `${text}.${key}`
  }, "")

/** The same, as mistakes of options that stand at `root`. */
export const problemsOf = (error: Schema.SchemaError, root: Path = []): ReadonlyArray<OptionProblem> =>
  read(error).map(({ path, message }) => ({ path: pathText([...root, ...path]), message }))
