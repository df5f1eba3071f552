import { Destination, type EventLog, Ingest } from "@millrace/core"
import { HttpUrl, SchemaProblems, type Wire } from "@millrace/core/host"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Jsonc from "jsonc-parser"
import * as ByteText from "../text/ByteText.ts"
import type { Mistake } from "../text/Mistake.ts"
import * as StoreUrl from "./StoreUrl.ts"

export const Host = Schema.NonEmptyString

/** 0 takes a free one. */
export const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))

/** Long before so many, the one process that stores what they take in has no time left. */
const maxWorkers = 64

export const Workers = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxWorkers }))

export const Ack = Schema.Literals(["memory", "disk", "replicated"])

export const Validation = Schema.Literals(["auto", "strict", "lenient"])

export const Store = Schema.String.check(
  Schema.makeFilter((text) => {
    const parts = StoreUrl.split(text)
    return Result.isSuccess(parts) || parts.failure
  }),
)

/** Bytes, or text like `"2 GiB"`. */
export const Bytes = Schema.Union([
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  Schema.String.check(
    Schema.makeFilter((text) => {
      const parsed = ByteText.parse(text)
      return Result.isSuccess(parsed) || parsed.failure
    }),
  ),
]).pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((input: number | string) =>
      Result.getOrThrow(ByteText.parse(String(input))),
    ),
    encode: SchemaGetter.transform((bytes: number): number | string => bytes),
  }),
)

export const Key = Schema.String.check(
  Schema.makeFilter((text) => Ingest.keyProblems("server", [text])[0]?.message ?? true),
)

const Keys = Schema.Struct({
  server: Schema.optionalKey(Schema.Array(Key)),
  client: Schema.optionalKey(Schema.Array(Key)),
})

/** Where the config-specs document is: in a file, or at a URL that is asked again after `refresh` ms. */
export interface Catalog {
  readonly file?: string
  readonly url?: string
  readonly refresh?: number
}

const Catalog = Schema.Struct({
  file: Schema.optionalKey(Schema.NonEmptyString),
  url: Schema.optionalKey(HttpUrl),
  refresh: Schema.optionalKey(
    Destination.Millis.check(Schema.isGreaterThanOrEqualTo(1000, { expected: "1 second at least" })),
  ),
}).check(
  Schema.makeFilter(({ file, url, refresh }) => {
    if ((file === undefined) === (url === undefined)) return "expected either a file or a url"
    return (
      refresh === undefined ||
      url !== undefined || {
        path: ["refresh"],
        issue: "goes with a url; a file is read again when it changes",
      }
    )
  }),
)

const Receive = Schema.Struct({
  statsigSecret: Schema.optionalKey(
    Schema.Union([Schema.NonEmptyString, Schema.Array(Schema.NonEmptyString)]),
  ),
})

const { minHashKey } = Destination

/** What `fields.hash` hashes with. */
export const HashKey = Schema.String.check(
  Schema.isMinLength(minHashKey, { expected: `${minHashKey} characters at least` }),
)

/** The config file: JSON with comments. Flags and variables say the same things, and beat it. */
export interface ConfigFile {
  readonly host?: string
  readonly port?: number
  readonly store?: string
  readonly storeMaxBytes?: number
  readonly waitForStore?: number
  readonly workers?: number
  readonly ack?: EventLog.Durability
  readonly validation?: Wire.Validation
  readonly keys?: { readonly server?: ReadonlyArray<string>; readonly client?: ReadonlyArray<string> }
  readonly receive?: { readonly statsigSecret?: string | ReadonlyArray<string> }
  readonly catalog?: Catalog
  readonly hashKey?: string
  readonly allowPrivateDestinations?: boolean | ReadonlyArray<string>
  readonly destinations?: ReadonlyArray<Destination.DestinationConfig>
}

const schema = Schema.Struct({
  host: Schema.optionalKey(Host),
  port: Schema.optionalKey(Port),
  store: Schema.optionalKey(Store),
  storeMaxBytes: Schema.optionalKey(Bytes),
  waitForStore: Schema.optionalKey(Destination.Millis),
  workers: Schema.optionalKey(Workers),
  ack: Schema.optionalKey(Ack),
  validation: Schema.optionalKey(Validation),
  keys: Schema.optionalKey(Keys),
  receive: Schema.optionalKey(Receive),
  catalog: Schema.optionalKey(Catalog),
  hashKey: Schema.optionalKey(HashKey),
  allowPrivateDestinations: Schema.optionalKey(Schema.Union([Schema.Boolean, Schema.Array(Schema.String)])),
  destinations: Schema.optionalKey(Schema.Array(Destination.DestinationConfig)),
})

const decode = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })

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

const hashesWithoutKey = (value: unknown): ReadonlyArray<Problem> =>
  listAt(value, "destinations").flatMap((item, index) =>
    listAt(item, "fields", "hash").length === 0
      ? []
      : [
          {
            path: ["destinations", index, "fields", "hash"],
            message: `needs a key to hash with: set hashKey beside destinations, or MILLRACE_HASH_KEY, to ${minHashKey} secret characters or more that stay the same`,
          },
        ],
  )

/** "ValueExpected" to "value expected" */
const syntaxMessage = (code: Jsonc.ParseErrorCode): string =>
  Jsonc.printParseErrorCode(code)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase()

/**
 * What a config file says, or all that is wrong with it.
 *
 * @param name of the file, as mistakes name it
 * @param hasHashKey whether a key to hash with is given elsewhere
 */
export const parse = (
  name: string,
  content: string,
  hasHashKey: boolean,
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
  const value: unknown = Jsonc.getNodeValue(tree)
  const decoded = decode(value)
  const found = [
    ...repeatedKeys(tree).map((key) => ({ ...key, message: "stands twice" })),
    ...[
      ...(Result.isFailure(decoded) ? SchemaProblems.read(decoded.failure) : []),
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
    : Result.succeed(decoded.success)
}
