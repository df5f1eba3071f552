import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { Destination, type EventLog } from "@millrace/core"
import { SchemaProblems, type Wire } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ConfigError, type Mistake } from "../text/Mistake.ts"
import * as ConfigFile from "./ConfigFile.ts"
import * as StoreUrl from "./StoreUrl.ts"

/** What a server is started with. */
export interface Config {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly store: StoreUrl.StoreUrl
  /** For how long a store that cannot be used yet is waited for at the start, in ms: 0 not at all. */
  readonly waitForStore: number
  /** How many processes take events in: with 1 it is the one that does everything else, too. */
  readonly workers: number
  /** The level that acknowledged events have to be safe at; `null` when the store's own will do. */
  readonly ack: EventLog.Durability | null
  readonly keys: { readonly server: ReadonlyArray<string>; readonly client: ReadonlyArray<string> }
  readonly destinations: ReadonlyArray<Destination.DestinationConfig>
  readonly validation: Wire.Validation
  /** Of the webhooks in Statsig's console that point here. */
  readonly statsigSecrets: ReadonlyArray<string>
  /** `null` without one: exposures go out with what their senders know of them. */
  readonly catalog: ConfigFile.Catalog | null
  /** What `fields.hash` hashes with; `null` when there is none, and nothing to hash. */
  readonly hashKey: string | null
  /** All, or those of the list: addresses, ranges and host names. */
  readonly allowPrivateDestinations: boolean | ReadonlyArray<string>
}

/** Flags as given; one that takes a list has all of its values. */
export interface Flags {
  readonly host?: string
  readonly port?: string
  readonly store?: string
  readonly storeMaxBytes?: string
  readonly waitForStore?: string
  readonly workers?: string
  readonly ack?: string
  readonly config?: string
  readonly serverKey?: ReadonlyArray<string>
  readonly clientKey?: ReadonlyArray<string>
  readonly webhook?: ReadonlyArray<string>
  readonly validation?: string
  readonly webhookSecret?: string
  readonly allowPrivateDestinations?: boolean
}

/** What can be set by a variable: all flags, and a secret that would show in a list of processes. */
type Setting = keyof Flags | "hashKey"

export type Environment = Readonly<Record<string, string | undefined>>

export const defaults = {
  host: "127.0.0.1",
  port: 8080,
  store: "sqlite:./millrace.db",
  waitForStore: 0,
  workers: 1,
  config: "millrace.config.json",
  validation: "auto",
} as const

const names: ReadonlyArray<Setting> = [
  "host",
  "port",
  "store",
  "storeMaxBytes",
  "waitForStore",
  "workers",
  "ack",
  "config",
  "serverKey",
  "clientKey",
  "webhook",
  "validation",
  "webhookSecret",
  "allowPrivateDestinations",
  "hashKey",
]

const words = (name: Setting): ReadonlyArray<string> => name.split(/(?=[A-Z])/)
const flagOf = (name: Setting): string => `--${words(name).join("-").toLowerCase()}`
const variableOf = (name: Setting): string => `MILLRACE_${words(name).join("_").toUpperCase()}`

/** What Kubernetes sets in every container beside a service called millrace; MILLRACE_PORT among them. */
const isServiceLink = (variable: string, value: string): boolean =>
  /^MILLRACE_(SERVICE|PORT_\d+)_/.test(variable) || /^(tcp|udp|sctp):\/\//.test(value)

/** Variables that look like ours and are none: probably misspelled. */
export const unknownVariables = (environment: Environment): ReadonlyArray<string> => {
  const known = new Set(names.map(variableOf))
  return Object.entries(environment).flatMap(([variable, value]) =>
    !variable.startsWith("MILLRACE_") || known.has(variable) || isServiceLink(variable, value ?? "")
      ? []
      : [variable],
  )
}

/** The id of a destination that is given as a bare URL: the same URL is the same destination after a restart. */
const webhookId = (url: string): string =>
  `webhook-${createHash("sha256").update(url).digest("hex").slice(0, 8)}`

const decodeKey = Schema.decodeUnknownResult(ConfigFile.Key)
const decodeSigning = Schema.decodeUnknownResult(Destination.Signing)
const decodeDestination = Schema.decodeUnknownResult(Destination.DestinationConfig)

/** A flag's or a variable's text, and which of them it is. */
interface Given {
  readonly where: string
  readonly texts: ReadonlyArray<string>
}

const boolean = (text: string): unknown => {
  if (text === "true" || text === "1") return true
  return text === "false" || text === "0" ? false : text
}

/** A number of ms, or what else a duration is written as. */
const duration = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)

const integer = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN)

/** `null` when there is no such file. */
const readConfigFile = (path: string): Result.Result<string | null, string> => {
  try {
    return Result.succeed(readFileSync(path, "utf8"))
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT") return Result.succeed(null)
    return Result.fail(code === "EISDIR" ? "is a directory" : `cannot be read (${String(code)})`)
  }
}

/** Flags beat variables, which beat the config file. Fails with every mistake there is. */
export const load = Effect.fnUntraced(function* (
  flags: Flags,
  environment: Environment,
): Effect.fn.Return<Config, ConfigError> {
  const mistakes: Array<Mistake> = []

  const given = (name: Setting): Given | undefined => {
    const flag = name === "hashKey" ? undefined : flags[name]
    if (flag !== undefined && flag !== false) {
      return { where: flagOf(name), texts: typeof flag === "object" ? flag : [String(flag)] }
    }
    const where = variableOf(name)
    const text = environment[where]
    // An empty variable is one that is not set: that is all that compose files and the like can say.
    if (text === undefined || text === "" || isServiceLink(where, text)) return undefined
    return { where, texts: [text] }
  }
  const givenList = (name: keyof Flags): Given | undefined => {
    const found = given(name)
    if (found === undefined || !found.where.startsWith("MILLRACE_")) return found
    const texts = found.texts.flatMap((text) => text.split(",")).map((text) => text.trim())
    return { where: found.where, texts: texts.filter((text) => text !== "") }
  }
  const check = <A>(where: string, decoded: Result.Result<A, Schema.SchemaError>): ReadonlyArray<A> => {
    if (Result.isSuccess(decoded)) return [decoded.success]
    mistakes.push(...SchemaProblems.read(decoded.failure).map(({ message }) => ({ where, message })))
    return []
  }
  const scalar = <A>(
    name: Setting,
    decode: (input: unknown) => Result.Result<A, Schema.SchemaError>,
    read: (text: string) => unknown = (text) => text,
  ): A | undefined => {
    const found = given(name)
    return found && check(found.where, decode(read(found.texts[0] ?? "")))[0]
  }
  const keys = (name: keyof Flags): ReadonlyArray<string> | undefined => {
    const found = givenList(name)
    return found?.texts.flatMap((text) => check(found.where, decodeKey(text)))
  }

  const path = given("config")?.texts[0] ?? defaults.config
  const file = (): ConfigFile.ConfigFile => {
    const found = given("config")
    const content = readConfigFile(path)
    if (Result.isFailure(content)) {
      mistakes.push({ where: path, message: content.failure })
      return {}
    }
    if (content.success === null) {
      if (found !== undefined) mistakes.push({ where: found.where, message: `there is no file ${path}` })
      return {}
    }
    const parsed = ConfigFile.parse(path, content.success, given("hashKey") !== undefined)
    if (Result.isSuccess(parsed)) return parsed.success
    mistakes.push(...parsed.failure)
    return {}
  }

  const host = scalar("host", Schema.decodeUnknownResult(ConfigFile.Host))
  const port = scalar("port", Schema.decodeUnknownResult(ConfigFile.Port), integer)
  const store = scalar("store", Schema.decodeUnknownResult(ConfigFile.Store))
  const storeMaxBytes = scalar("storeMaxBytes", Schema.decodeUnknownResult(ConfigFile.Bytes))
  const waitForStore = scalar("waitForStore", Schema.decodeUnknownResult(Destination.Millis), duration)
  const workers = scalar("workers", Schema.decodeUnknownResult(ConfigFile.Workers), integer)
  const ack = scalar("ack", Schema.decodeUnknownResult(ConfigFile.Ack))
  const validation = scalar("validation", Schema.decodeUnknownResult(ConfigFile.Validation))
  const allowPrivate = scalar("allowPrivateDestinations", Schema.decodeUnknownResult(Schema.Boolean), boolean)
  const hashKey = scalar("hashKey", Schema.decodeUnknownResult(ConfigFile.HashKey))
  const serverKeys = keys("serverKey")
  const clientKeys = keys("clientKey")
  const webhookUrls = givenList("webhook")
  const fromFile = file()

  const destinations = [...(fromFile.destinations ?? [])]
  const secret = given("webhookSecret")
  if (secret !== undefined && webhookUrls === undefined) {
    mistakes.push({ where: secret.where, message: "there is no --webhook whose requests it could sign" })
  }
  const signing =
    secret === undefined ? [] : check(secret.where, decodeSigning({ standardWebhooks: secret.texts }))
  for (const url of webhookUrls?.texts ?? []) {
    const where = webhookUrls!.where
    const id = webhookId(url)
    const twice = destinations.some((destination) => destination.id === id)
    if (twice) mistakes.push({ where, message: `the destination ${id} is there already` })
    else {
      const decoded = check(where, decodeDestination({ id, url }))
      destinations.push(
        ...decoded.map((destination) => ({ ...destination, ...(signing[0] && { signing: signing[0] }) })),
      )
    }
  }

  const storeUrl = yield* Effect.result(
    StoreUrl.parse(store ?? fromFile.store ?? defaults.store, storeMaxBytes ?? fromFile.storeMaxBytes),
  )
  if (Result.isFailure(storeUrl)) {
    const where = store === undefined ? path : given("store")!.where
    mistakes.push({ where, message: store === undefined ? `store: ${storeUrl.failure}` : storeUrl.failure })
  }

  if (mistakes.length > 0 || Result.isFailure(storeUrl)) return yield* new ConfigError({ mistakes })
  return {
    host: host ?? fromFile.host ?? defaults.host,
    port: port ?? fromFile.port ?? defaults.port,
    store: storeUrl.success,
    waitForStore: waitForStore ?? fromFile.waitForStore ?? defaults.waitForStore,
    workers: workers ?? fromFile.workers ?? defaults.workers,
    ack: ack ?? fromFile.ack ?? null,
    keys: {
      server: serverKeys ?? fromFile.keys?.server ?? [],
      client: clientKeys ?? fromFile.keys?.client ?? [],
    },
    destinations,
    validation: validation ?? fromFile.validation ?? defaults.validation,
    statsigSecrets: [fromFile.receive?.statsigSecret ?? []].flat(),
    catalog: fromFile.catalog ?? null,
    hashKey: hashKey ?? fromFile.hashKey ?? null,
    allowPrivateDestinations: allowPrivate ?? fromFile.allowPrivateDestinations ?? false,
  }
})
