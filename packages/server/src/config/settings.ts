/** Over 400 lines because everything that can be set stands in one table. */
import { ByteText, Console } from "@millrace/console/admin"
import { Destination, EventLog, HttpIngest, Ingest } from "@millrace/core"
import { AlertConfig, HttpUrl, isOrigin, logLevels, nearest, Secret } from "@millrace/core/host"
import { Otlp } from "@millrace/node"
import * as Statsig from "@millrace/statsig"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { OwnPath, OwnPaths } from "./ownPaths.ts"
import * as StoreUrl from "./StoreUrl.ts"

/**
 * One thing that can be set: how it is called, what it may be, and what it is when nobody sets it.
 * The help of `serve`, the table in the README, the schema of the config file and the names in
 * mistakes come from one table of them, {@link settings}.
 */
export interface Setting<A> {
  /**
   * What follows its flag in the help, `<number>`; `null` for a switch that nothing follows. A
   * setting without it has no flag.
   */
  readonly flag?: string | null
  /** Whether there is a variable. Every flag has one. */
  readonly variable?: boolean
  /** Where it stands in the config file, `keys.server`; nowhere without it. */
  readonly key?: string
  /**
   * Whether it takes several values: a repeated flag, a variable with commas, a list in the file.
   */
  readonly isList?: boolean
  /** What one value may be. */
  readonly schema: Schema.Decoder<A>
  /** What the config file may say instead, where that is more. */
  readonly inFile?: Schema.Decoder<unknown>
  /** Reads a flag's or a variable's text as what the schema decodes; without it the text itself. */
  readonly read?: (text: string) => unknown
  /** The value when nobody sets one; without it there is none. */
  readonly default?: A
  /**
   * How the help shows the default, where the value says too little or depends on another setting.
   */
  readonly shownDefault?: string
  readonly help: string
}

/**
 * Where the config-specs document is: in a file, or at a URL that is asked again after `refresh`
 * ms.
 */
export interface Catalog {
  readonly file?: string
  readonly url?: string
  readonly refresh?: number
}

const Catalog: Schema.Decoder<Catalog> = Schema.Struct({
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

interface Destinations extends ReadonlyArray<Destination.DestinationConfig> {}

/** Those of the kinds that the command has. */
const schemes = [...Destination.webhookSchemes, Statsig.scheme]

const Destinations: Schema.Decoder<Destinations> = Schema.Array(Destination.configFor(schemes))

const StoreText = Schema.String.check(
  Schema.makeFilter((text) => {
    const parts = StoreUrl.split(text)
    return Result.isSuccess(parts) || parts.failure
  }),
)

/** Bytes, or text like `"2 GiB"`. */
const Bytes = Schema.Union([
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

/** Larger requests belong into several: one of them is in memory as a whole. */
const mostBodyBytes = 100 * 1024 * 1024

const BodyBytes = Bytes.check(
  Schema.isLessThanOrEqualTo(mostBodyBytes, { expected: `${ByteText.format(mostBodyBytes)} at most` }),
)

const Window = Destination.Millis.check(
  Schema.isGreaterThan(0, { expected: "longer than nothing; leave it out for none" }),
)

const expectedOrigin = "expected an origin, such as https://shop.example"

const Origin = Schema.String.check(Schema.makeFilter((text) => isOrigin(text) || expectedOrigin))

const OriginText = Schema.String.check(
  Schema.makeFilter(
    (text) => text === "*" || text === "none" || isOrigin(text) || `${expectedOrigin}, *, or none`,
  ),
)

/** As the library has it. */
const Cors: Schema.Decoder<HttpIngest.Cors> = Schema.Union([
  Schema.Literal(false),
  Schema.Struct({ origins: Schema.Union([Schema.Literal("*"), Schema.Array(Origin)]) }),
])

const Key = Schema.String.check(
  Schema.makeFilter((text) => Ingest.keyProblems("server", [text])[0]?.message ?? true),
)

const Token = Schema.String.check(
  Schema.isMinLength(Console.minToken, { expected: `${Console.minToken} characters at least` }),
)

const levels = ["memory", "disk", "replicated"] as const
const validations = ["auto", "strict", "lenient"] as const

/** More workers than this leave the one process that stores what they take in no time at all. */
const maxWorkers = 64

const toInteger = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN)

const toNumber = (text: string): number => (/^[\d.]+$/.test(text) ? Number(text) : Number.NaN)

/** A number of ms, or what else a duration is written as. */
const toDuration = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)

const toBoolean = (text: string): unknown => {
  if (text === "true" || text === "1") return true
  return text === "false" || text === "0" ? false : text
}

/** Checks an entry, and keeps what it says in its type. */
const setting = <A, const S extends Omit<Setting<A>, "schema" | "default">>(
  entry: S & { readonly schema: Schema.Decoder<A>; readonly default?: A },
) => entry

/** Everything that can be set, in the order of the help. */
const settings = {
  host: setting({
    flag: "<address>",
    key: "host",
    schema: Schema.NonEmptyString,
    default: "127.0.0.1",
    help: "where to listen",
  }),
  port: setting({
    flag: "<number>",
    key: "port",
    schema: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
    read: toInteger,
    default: 8080,
    help: "0 takes a free one",
  }),
  opsHost: setting({
    flag: "<address>",
    key: "ops.host",
    schema: Schema.NonEmptyString,
    shownDefault: "127.0.0.1",
    help: "where to listen for --ops-port",
  }),
  opsPort: setting({
    flag: "<number>",
    key: "ops.port",
    schema: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
    read: toInteger,
    shownDefault: "none: they are on --port",
    help: "gives /metrics and /readyz a port of their own; 0 takes a free one",
  }),
  opsKey: setting({
    flag: "<key>",
    key: "ops.key",
    schema: Token,
    inFile: Secret.SecretText,
    shownDefault: "none: everybody may look",
    help: "what /metrics and /readyz are shown for, as `authorization: Bearer KEY`",
  }),
  otlp: setting({
    flag: "<url>",
    key: "otlp.url",
    schema: HttpUrl,
    help: "the OpenTelemetry collector that spans go to, such as http://127.0.0.1:4318",
  }),
  otlpSample: setting({
    flag: "<part>",
    key: "otlp.sample",
    schema: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    read: toNumber,
    default: Otlp.defaultSample,
    help: "which part of the traces that begin here is kept, from 0 to 1",
  }),
  otlpHeaders: setting({
    key: "otlp.headers",
    schema: Schema.Record(Schema.String, Secret.SecretText),
    help: 'what the collector knows its senders by: `{ "authorization": { "env": "OTLP_TOKEN" } }`',
  }),
  store: setting({
    flag: "<url>",
    key: "store",
    schema: StoreText,
    default: "sqlite:./millrace.db",
    help: StoreUrl.forms,
  }),
  storeMaxBytes: setting({
    flag: "<size>",
    key: "storeMaxBytes",
    schema: Bytes,
    shownDefault: `${ByteText.format(EventLog.defaultMaxBytesOnDisk)}, in memory ${ByteText.format(EventLog.defaultMaxBytes)}`,
    help: "what the log may take, such as 2GiB: the oldest that is delivered gives way",
  }),
  keepFor: setting({
    flag: "<duration>",
    key: "keepFor",
    schema: Destination.Millis,
    read: toDuration,
    default: 3 * 24 * 60 * 60 * 1000,
    shownDefault: "3 days",
    help: "how long events that every destination is done with are kept, to be sent once more",
  }),
  waitForStore: setting({
    flag: "<duration>",
    key: "waitForStore",
    schema: Destination.Millis,
    read: toDuration,
    default: 0,
    shownDefault: "not at all",
    help: 'for how long a store that cannot be used yet is waited for at the start, such as "1 minute"',
  }),
  ack: setting({
    flag: "<level>",
    key: "ack",
    schema: Schema.Literals(levels),
    help: "what an acknowledged event has to survive: memory, disk or replicated",
  }),
  workers: setting({
    flag: "<number>",
    key: "workers",
    schema: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxWorkers })),
    read: toInteger,
    default: 1,
    shownDefault: "1, which does it all",
    help: "processes that take events in, beside one that stores and sends them",
  }),
  validation: setting({
    flag: "<mode>",
    key: "validation",
    schema: Schema.Literals(validations),
    default: "auto",
    help: "auto, strict or lenient",
  }),
  dedupe: setting({
    flag: "<duration>",
    key: "dedupe.window",
    schema: Window,
    read: toDuration,
    shownDefault: "off",
    help: "requests of the same key with the same body are one within this time, in each process",
  }),
  maxBodyBytes: setting({
    flag: "<size>",
    key: "limits.bodyBytes",
    schema: BodyBytes,
    shownDefault: ByteText.format(Ingest.defaultLimits.bodyBytes),
    help: "what the body of a request may have, decompressed",
  }),
  maxEvents: setting({
    flag: "<number>",
    key: "limits.events",
    schema: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
    read: toInteger,
    shownDefault: Ingest.defaultLimits.events.toLocaleString("en-US"),
    help: "how many events a request may have",
  }),
  maxInFlightBytes: setting({
    flag: "<size>",
    key: "limits.inFlightBytes",
    schema: Bytes,
    shownDefault: ByteText.format(Ingest.defaultLimits.inFlightBytes),
    help: "what all bodies may have together that wait for the store; further requests get 503",
  }),
  corsOrigin: setting({
    flag: "<origin>",
    key: "cors",
    isList: true,
    schema: OriginText,
    inFile: Cors,
    shownDefault: "*",
    help: "whose pages may read replies: origins, * for all, none for nobody's",
  }),
  drainDeadline: setting({
    flag: "<duration>",
    key: "drainDeadline",
    schema: Destination.Millis,
    read: toDuration,
    default: 5_000,
    shownDefault: "5 seconds",
    help: "how long what is pending may still go out after it is told to stop; it ends 4.5 seconds later at the latest",
  }),
  allowPrivateDestinations: setting({
    flag: null,
    key: "allowPrivateDestinations",
    schema: Schema.Boolean,
    inFile: Schema.Union([Schema.Boolean, Schema.Array(Schema.String)]),
    read: toBoolean,
    help: "send to private addresses too, such as 127.0.0.1 and 10.0.0.1",
  }),
  hashKey: setting({
    variable: true,
    key: "hashKey",
    schema: Schema.String.check(
      Schema.isMinLength(Destination.minHashKey, {
        expected: `${Destination.minHashKey} characters at least`,
      }),
    ),
    help: 'what `"fields": { "hash": ["user.email"] }` hashes with: secret, and the same at every start',
  }),
  serverKey: setting({
    flag: "<key>",
    key: "keys.server",
    isList: true,
    schema: Key,
    help: "a key that may do everything",
  }),
  clientKey: setting({
    flag: "<key>",
    key: "keys.client",
    isList: true,
    schema: Key,
    help: "a key that may only log events",
  }),
  adminToken: setting({
    flag: "<token>",
    key: "admin.token",
    schema: Token,
    inFile: Secret.SecretText,
    help: "what operators sign in with at /console, and commands of other machines",
  }),
  adminReadToken: setting({
    flag: "<token>",
    key: "admin.readToken",
    schema: Token,
    inFile: Secret.SecretText,
    help: "the same for those who may only look",
  }),
  logEventPath: setting({
    flag: "<path>",
    key: "paths",
    isList: true,
    schema: OwnPath,
    inFile: OwnPaths,
    help: "a name of your own for log_event, which ad blockers do not know",
  }),
  client: setting({
    key: "client",
    schema: HttpIngest.ClientConfig,
    help: 'what is kept of senders: `{ "ip": "truncate", "userAgent": true, "trust": ["10.0.0.0/8"] }`, with the proxies that are believed',
  }),
  statsigPassThrough: setting({
    flag: null,
    key: "statsig",
    schema: Schema.Boolean,
    inFile: Statsig.Options,
    read: toBoolean,
    help: 'pass on to Statsig what SDKs ask for: in the file `{ "passThrough": true, "upstream": true, "freshFor": "10 seconds" }`',
  }),
  statsigRelay: setting({
    flag: null,
    schema: Schema.Boolean,
    read: toBoolean,
    help: 'send what is accepted on to Statsig: in the file `"statsig": { "relay": true }`',
  }),
  statsigServerKey: setting({
    variable: true,
    schema: Key,
    help: "what events go on to Statsig with whose senders show no key of the project",
  }),
  alertUrl: setting({
    flag: "<url>",
    key: "alerts",
    schema: HttpUrl,
    inFile: AlertConfig,
    help: 'a webhook for alerts: in the file `{ "url": ..., "on": ["failing", "recovered"], "lag": "15 minutes" }`',
  }),
  alertSecret: setting({
    flag: "<secret>",
    schema: Schema.String,
    help: "signs alerts, as Standard Webhooks (whsec_...)",
  }),
  logLevel: setting({
    flag: "<level>",
    key: "log.level",
    schema: Schema.Literals([...logLevels, "silent"]),
    default: "info",
    help: "the least that is logged: trace, debug, info, warn, error or fatal; silent for nothing",
  }),
  logFormat: setting({
    flag: "<format>",
    key: "log.format",
    schema: Schema.Literals(["text", "json"]),
    shownDefault: "text on a terminal, else json",
    help: "lines for people, or a JSON object each",
  }),
  config: setting({
    flag: "<path>",
    schema: Schema.String,
    default: "millrace.config.json",
    shownDefault: "millrace.config.json, when it is there",
    help: "the config file: JSON with comments",
  }),
  webhook: setting({
    flag: "<url>",
    isList: true,
    schema: Schema.String,
    help: "a destination for all events",
  }),
  webhookSecret: setting({
    flag: "<secret>",
    schema: Schema.String,
    help: "signs what is sent to them, as Standard Webhooks (whsec_...)",
  }),
  destinations: setting({
    key: "destinations",
    schema: Destinations,
    help: "where events go, in full: filters, batches, signing, retries",
  }),
  catalog: setting({
    key: "catalog",
    schema: Catalog,
    help: 'tells dynamic configs from experiments: `{ "file": ... }`, or `{ "url": ..., "refresh": ... }`',
  }),
  statsigSecret: setting({
    key: "receive.statsigSecret",
    schema: Schema.Union([Schema.NonEmptyString, Schema.Array(Schema.NonEmptyString)]),
    help: "a webhook's in Statsig's console that points here: its signed requests need no key",
  }),
}

type Settings = typeof settings

export type Name = keyof Settings

/** A value from a flag, a variable or the default. */
export type Value<N extends Name> = Settings[N]["schema"]["Type"]

/** A value from the config file. */
export type FileValue<N extends Name> = Settings[N] extends { readonly inFile: Schema.Decoder<infer A> }
  ? A
  : Settings[N] extends { readonly isList: true }
    ? ReadonlyArray<Value<N>>
    : Value<N>

export type FlagName = {
  [N in Name]: Settings[N] extends { readonly flag: string | null } ? N : never
}[Name]

type DefaultName = { [N in Name]: Settings[N] extends { readonly default: unknown } ? N : never }[Name]

/** What holds when nobody sets anything. */
export const defaults = Object.fromEntries(
  Object.entries<Setting<unknown>>(settings).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  ),
) as { readonly [N in DefaultName]: Value<N> }

/** Flags as given; one that takes a list has all of its values. */
export type Flags = {
  readonly [N in FlagName]?: Settings[N] extends { readonly isList: true }
    ? ReadonlyArray<string>
    : Settings[N] extends { readonly flag: null }
      ? boolean
      : string
}

/** The table by name, for what is the same for every setting. */
export const table: Readonly<Record<Name, Setting<unknown>>> = settings

export const names = Object.keys(settings) as ReadonlyArray<Name>

export const hasFlag = (name: Name): name is FlagName => table[name].flag !== undefined

export const hasVariable = (name: Name): boolean => hasFlag(name) || table[name].variable === true

const words = (name: Name): ReadonlyArray<string> => name.split(/(?=[A-Z])/)

/** `--server-key` */
export const flagOf = (name: FlagName): string => `--${words(name).join("-").toLowerCase()}`

const prefix = "MILLRACE_"

/** `MILLRACE_SERVER_KEY` */
export const variableOf = (name: Name): string => `${prefix}${words(name).join("_").toUpperCase()}`

/** `--server-key <key>`, as the help shows it. */
export const usageOf = (name: FlagName): string => {
  const { flag } = table[name]
  return flag === null ? flagOf(name) : `${flagOf(name)} ${flag}`
}

/** ` (default: 8080)`, or nothing. */
export const defaultText = (name: Name): string => {
  const { default: value, shownDefault = value } = table[name]
  return shownDefault === undefined ? "" : ` (default: ${String(shownDefault)})`
}

/** What the help says of it. */
export const helpOf = (name: Name): string => {
  const { help, isList } = table[name]
  return `${help}${isList ? "; may be repeated" : ""}${defaultText(name)}`
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Recognises the variables that Kubernetes sets in every container beside a service called
 * millrace, MILLRACE_PORT among them.
 */
const isServiceLink = (variable: string, value: string): boolean =>
  /^MILLRACE_(SERVICE|PORT_\d+)_/.test(variable) || /^(tcp|udp|sctp):\/\//.test(value)

/** Returns the text of a variable; `undefined` when it is not set. */
export const textIn = (variable: string, environment: Environment): string | undefined => {
  const text = environment[variable]
  // Compose files and the like can only say that a variable is empty, and mean that it is not set.
  return text === undefined || text === "" || isServiceLink(variable, text) ? undefined : text
}

/** `MILLRACE_SERVER`, which only commands know. */
export const serverVariable = `${prefix}SERVER`

/**
 * `MILLRACE_SERVER_KEY_FILE`, which names a file that holds the text of `MILLRACE_SERVER_KEY`. The
 * config file's own path has none: `MILLRACE_CONFIG_FILE` would be taken for that path.
 */
export const fileVariableOf = (variable: string): string | null =>
  variable === variableOf("config") ? null : `${variable}_FILE`

/** A variable that looks like ours and is none, and the one that it was probably meant to be. */
export interface UnknownVariable {
  readonly variable: string
  readonly nearest: string | null
}

/** Returns variables that look like ours and are none: probably misspelled. */
export const unknownVariables = (environment: Environment): ReadonlyArray<UnknownVariable> => {
  const variables = [...names.filter(hasVariable).map(variableOf), serverVariable]
  const known = new Set(variables.flatMap((variable) => [variable, fileVariableOf(variable) ?? []].flat()))
  const ends = [...known].map((variable) => variable.slice(prefix.length))
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (!variable.startsWith(prefix) || known.has(variable) || isServiceLink(variable, value ?? "")) return []
    const end = nearest(variable.slice(prefix.length), ends)
    return [{ variable, nearest: end === null ? null : `${prefix}${end}` }]
  })
}
