import { Destination } from "@millrace/core"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { read } from "../test/sources.ts"
import { table } from "./table.ts"

/** What each option says; one that is not here, or is here and no option, fails its test. */
const says = {
  id: "its name: 1 to 64 letters, digits, dots, dashes and underscores; `intake` is taken",
  url: "where events go; with credentials in it they are sent as basic authentication",
  enabled: "`false` stops it from the start; its place in the log stays",
  from: "where a *new* destination begins: with what comes from now on, or with the oldest event that is kept",
  "filter.categories.exposures": "gate, experiment, dynamic config, layer and holdout exposures",
  "filter.categories.config_changes": "`statsig::config_change`",
  "filter.categories.custom": "all events that no other category claims, Statsig's own among them",
  "filter.categories.auto_capture": "`auto_capture::*`",
  "filter.categories.internal": "what SDKs say of themselves: diagnostics, session recordings",
  "filter.newCustomEvents":
    '"Include new events by default": custom events that `customEvents` does not name',
  "filter.customEvents":
    'a switch for each custom event by its name, as the dialog has it: `{ "debug": false }`',
  "filter.include": "globs of names, `*` for any characters and `?` for one: one must match",
  "filter.exclude": "globs of names: none may match",
  "filter.where": "[a rule over fields](#rules-over-fields)",
  "filter.sample":
    "the share of users whose events pass: the same users at every destination and in every larger share",
  "fields.drop": "paths that never leave: `user.email`, `metadata.*`",
  "fields.keep": "the only paths below `user`, `metadata` and `statsigMetadata` that leave",
  "fields.hash": "paths that leave as HMAC-SHA-256 under `hashKey`",
  exposures:
    "where an exposure's details stand: as in the Event Webhook document, or as in Statsig's newer ones",
  "batch.maxEvents": "events of a request",
  "batch.maxBytes": "bytes of its body; an event that is larger goes alone",
  "batch.maxDelay": "how long the first event of a batch waits for others",
  format: "[the form of the body](formats.md#format); a template sends each event alone",
  headers: "[what requests carry besides](formats.md#headers)",
  compress: "[`content-encoding`](formats.md#compress) of requests",
  tls: "[authorities and certificates](formats.md#tls-and-proxy) of your own",
  proxy: "[an HTTP proxy](formats.md#tls-and-proxy)",
  "signing.standardWebhooks": "`whsec_...` secrets: each signs, so that one can be replaced without a gap",
  "signing.statsig": "a secret for Statsig's `v0` signature",
  "retry.first": "the most that the first retry waits; it doubles with each failure in a row",
  "retry.max": "the most that any retry waits",
  "retry.giveUpAfter": "how long it may fail before its oldest events become dead letters",
  "rateLimit.events": "events a second",
  "rateLimit.requests": "requests a second",
  timeout: "one attempt, from connecting to the end of the reply",
  concurrency: "requests at once in each partition; each user's events keep their order",
} as const

interface JsonSchema {
  readonly type?: string
  readonly enum?: ReadonlyArray<string>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: unknown
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
}

const document = Schema.toJsonSchemaDocument(Schema.toEncoded(Destination.DestinationConfig))

const [defaults] = Result.getOrThrow(Destination.decodeAll([{ id: "any", url: "https://example.com/" }]))

/** An option by its path; groups are not among them. */
const optionsIn = (schema: JsonSchema, path = ""): ReadonlyArray<readonly [string, JsonSchema]> =>
  Object.entries(schema.properties ?? {}).flatMap(([key, option]) =>
    option.properties === undefined
      ? [[`${path}${key}`, option] as const]
      : optionsIn(option, `${path}${key}.`),
  )

const isDuration = ({ anyOf }: JsonSchema): boolean =>
  anyOf?.length === 2 && anyOf[0]!.type === "number" && anyOf[1]!.type === "string"

const valuesOf = (schema: JsonSchema): string => {
  const { type, enum: names, anyOf, items, minimum, maximum } = schema
  if (names !== undefined) return names.map((name) => `\`"${name}"\``).join(", ")
  if (isDuration(schema)) return "duration"
  if (anyOf !== undefined) {
    const values = anyOf.filter((one) => one.type !== "null").map(valuesOf)
    return [...new Set(values)].join(", ")
  }
  if (type === "array") return `list of ${valuesOf(items!)}s`
  if (type === "string") return "text"
  if (type === "boolean") return "`true`, `false`"
  if (type === "integer" || type === "number") {
    const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? null : maximum
    return most === null ? "number" : `${minimum} to ${most}`
  }
  return type === undefined ? "rule" : "object"
}

const units = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
] as const

const durationText = (millis: number): string => {
  const [size, name] = units.find(([unit]) => millis >= unit && millis % unit === 0) ?? [1, "milli"]
  const count = millis / size
  return `"${count} ${name}${count === 1 ? "" : "s"}"`
}

const valueAt = (path: string): unknown =>
  path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], defaults)

const isRequired = (path: string): boolean =>
  (document.schema["required"] as ReadonlyArray<string>).includes(path)

const defaultOf = (path: string, schema: JsonSchema): string => {
  if (isRequired(path)) return "needed"
  const value = valueAt(path)
  return `\`${isDuration(schema) ? durationText(value as number) : JSON.stringify(value)}\``
}

const options = optionsIn(document.schema as JsonSchema)

/** Options that have no sentence, and sentences that have no option. */
export const undescribed: ReadonlyArray<string> = [
  ...options.map(([path]) => path).filter((path) => !(path in says)),
  ...Object.keys(says).filter((path) => !options.some(([known]) => known === path)),
]

/** What an editor shows at a key of these files: the comment above it. */
const comments = ["Destination", "Filter", "Fields"].flatMap((file) =>
  [...read(`packages/core/src/select/${file}.ts`).matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}(\w+): /gs)].map(
    ([, comment, key]) => ({ key, text: comment!.replace(/\s*\n\s*\*\s*/g, " ") }),
  ),
)

const showsDefault = (path: string, schema: JsonSchema, comment: string): boolean => {
  if (isRequired(path)) return true
  const value = valueAt(path)
  const isEmpty = value === null || Object.keys(Object(value)).length === 0
  const text = isDuration(schema) ? durationText(value as number) : String(value)
  return /default/.test(comment) && (isEmpty || comment.includes(text))
}

/** Options at which an editor does not show the default. */
export const uncommented: ReadonlyArray<string> = options
  .filter(
    ([path, schema]) =>
      !comments.some(({ key, text }) => path.split(".").at(-1) === key && showsDefault(path, schema, text)),
  )
  .map(([path]) => path)

export const destinationOptions = (): string =>
  table(
    ["option", "takes", "default", "says"],
    options.map(([path, schema]) => [
      `\`${path}\``,
      valuesOf(schema),
      defaultOf(path, schema),
      says[path as keyof typeof says],
    ]),
  )
