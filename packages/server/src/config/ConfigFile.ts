import { Destination } from "@millrace/core"
import { SchemaProblems } from "@millrace/core/host"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Jsonc from "jsonc-parser"
import type { Mistake } from "../text/Mistake.ts"
import * as References from "./references.ts"
import * as Settings from "./settings.ts"

/** The config file: JSON with comments. Flags and variables say the same things, and beat it. */
export interface ConfigFile {
  /** Returns what the file says of a setting; `undefined` when it does not. */
  readonly value: <N extends Settings.Name>(name: N) => Settings.FileValue<N> | undefined
}

/** A file that says nothing. */
export const empty: ConfigFile = { value: () => undefined }

/** The schema of what a setting is in the file. */
const schemaOf = ({ schema, inFile, isList }: Settings.Setting<unknown>): Schema.Decoder<unknown> =>
  inFile ?? (isList === true ? Schema.Array(schema) : schema)

type Fields = Record<string, Schema.Decoder<unknown>>

const struct = (fields: Fields): Schema.Decoder<unknown> =>
  Schema.Struct(
    Object.fromEntries(Object.entries(fields).map(([key, one]) => [key, Schema.optionalKey(one)])),
  )

/** The schema of the file: keys of settings, and objects that group some of them. */
export const schema = (): Schema.Decoder<unknown> => {
  const fields: Fields = { $schema: Schema.String }
  const groups: Record<string, Fields> = {}
  for (const setting of Object.values(Settings.table)) {
    const [first, second] = setting.key?.split(".") ?? []
    if (first === undefined) continue
    if (second === undefined) fields[first] = schemaOf(setting)
    else {
      groups[first] ??= {}
      groups[first][second] = schemaOf(setting)
    }
  }
  for (const [key, group] of Object.entries(groups)) fields[key] = struct(group)
  return struct(fields)
}

const decode = Schema.decodeUnknownResult(schema(), { errors: "all", onExcessProperty: "error" })

type Path = SchemaProblems.Path
type Problem = SchemaProblems.Problem

/** Where a path begins in the text: at the key, where it has one, else where it would stand. */
const offsetOf = (tree: Jsonc.Node, path: Path): number => {
  let node = tree
  for (const key of path) {
    const child = Jsonc.findNodeAtLocation(node, [key])
    if (child === undefined) break
    node = child
  }
  return node.parent?.type === "property" ? node.parent.offset : node.offset
}

const place = (text: string, offset: number): string => {
  const lines = text.slice(0, offset).split("\n")
  return `${lines.length}:${lines.at(-1)!.length + 1}`
}

interface KeyNode {
  readonly path: Path
  readonly offset: number
}

/** Keys that stand twice in one object: JSON takes the last, its author cannot have meant that. */
const repeatedKeys = (node: Jsonc.Node, path: Path = []): ReadonlyArray<KeyNode> => {
  const children = node.children ?? []
  if (node.type === "array") return children.flatMap((child, index) => repeatedKeys(child, [...path, index]))
  const seen = new Set<string>()
  return children.flatMap((property) => {
    const [key, value] = property.children ?? []
    if (key === undefined || value === undefined) return []
    const name = String(key.value)
    const below = repeatedKeys(value, [...path, name])
    if (seen.has(name)) return [{ path: [...path, name], offset: property.offset }, ...below]
    seen.add(name)
    return below
  })
}

/** What stands there, in a file that may be wrong in any way. */
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? at((value as Readonly<Record<string, unknown>>)[key], ...rest)
    : undefined
}

const listAt = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** Also of destinations that are wrong otherwise: all mistakes at once. */
const repeatedIds = (value: unknown): ReadonlyArray<Problem> => {
  const ids = listAt(value, "destinations").map((item) => at(item, "id"))
  return ids.flatMap((id, index) => {
    const first = ids.indexOf(id)
    return id === undefined || first === index
      ? []
      : [{ path: ["destinations", index, "id"], message: `the same as that of destinations[${first}]` }]
  })
}

const hashesWithoutKey = (value: unknown): ReadonlyArray<Problem> => {
  const needsKey = (path: Path, neighbour: string): Problem => ({
    path,
    message: `needs a key to hash with: set ${Settings.table.hashKey.key} beside ${neighbour}, or ${Settings.variableOf("hashKey")}, to ${Destination.minHashKey} secret characters or more that stay the same`,
  })
  return [
    ...(at(value, "client", "ip") === "hash" ? [needsKey(["client", "ip"], "client")] : []),
    ...listAt(value, "destinations").flatMap((item, index) =>
      listAt(item, "fields", "hash").length === 0
        ? []
        : [needsKey(["destinations", index, "fields", "hash"], "destinations")],
    ),
  ]
}

/** "ValueExpected" to "value expected" */
const syntaxMessage = (code: Jsonc.ParseErrorCode): string =>
  Jsonc.printParseErrorCode(code)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase()

export interface ParseOptions {
  /** What is looked for; the rest of the file is left alone unless this is everything. */
  readonly names: ReadonlyArray<Settings.Name>
  /** Where `${NAME}` is looked up. */
  readonly environment: Settings.Environment
  /** Whether a key to hash with is given elsewhere. */
  readonly hasHashKey: boolean
}

/** What a file says of some settings, as far as it says it where it should. */
const only = (value: unknown, names: ReadonlyArray<Settings.Name>): unknown => {
  if (names === Settings.names || typeof value !== "object" || value === null || Array.isArray(value)) {
    return value
  }
  const keys = new Set(names.map((name) => Settings.table[name].key))
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.has(key)))
}

/**
 * What a config file says, or all that is wrong with it.
 *
 * @param name of the file, as mistakes name it
 */
export const parse = (
  name: string,
  content: string,
  { names, environment, hasHashKey }: ParseOptions,
): Result.Result<ConfigFile, ReadonlyArray<Mistake>> => {
  // Some editors begin a file with a byte order mark.
  const text = content.replace(/^\uFEFF/, "")
  const errors: Array<Jsonc.ParseError> = []
  const tree = Jsonc.parseTree(text, errors, { allowTrailingComma: true })
  const [error] = errors
  if (tree === undefined || error !== undefined) {
    // Only the first: those after it are mostly its consequences.
    const message = error === undefined ? "value expected" : syntaxMessage(error.error)
    return Result.fail([{ where: `${name}:${place(text, error?.offset ?? 0)}`, message }])
  }
  // Objects without a prototype, so that `__proto__` is a key like any other.
  const written: unknown = only(Jsonc.getNodeValue(tree), names)
  const { value, problems: missing } = References.expand(written, environment)
  const decoded = decode(value)
  const unexpanded = new Set(missing.map(({ path }) => SchemaProblems.pathText(path)))
  // What a text is without its variable says nothing of what it will be.
  const problems = (Result.isFailure(decoded) ? SchemaProblems.read(decoded.failure) : []).filter(
    ({ path }) => !unexpanded.has(SchemaProblems.pathText(path)),
  )
  const found = [
    ...repeatedKeys(tree).map((key) => ({ ...key, message: "stands twice" })),
    ...[
      ...missing,
      ...problems,
      ...repeatedIds(value),
      ...(hasHashKey || at(value, "hashKey") !== undefined ? [] : hashesWithoutKey(value)),
    ].map((problem) => ({ ...problem, offset: offsetOf(tree, problem.path) })),
  ].sort((a, b) => a.offset - b.offset)
  const mistakes = found.map(({ path, message, offset }) => ({
    where: `${name}:${place(text, offset)}`,
    message: path.length === 0 ? message : `${SchemaProblems.pathText(path)}: ${message}`,
  }))
  return Result.isFailure(decoded) || mistakes.length > 0
    ? Result.fail(mistakes)
    : Result.succeed({
        // The schema has been made of the settings' own.
        value: (name) => {
          const { key } = Settings.table[name]
          return (key === undefined ? undefined : at(decoded.success, ...key.split("."))) as never
        },
      })
}
