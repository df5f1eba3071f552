import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { Console } from "@millrace/console/admin"
import { Destination, type EventLog, type HttpIngest, type Ingest } from "@millrace/core"
import {
  AlertConfig,
  type OwnPaths,
  SchemaProblems,
  Secret,
  SecretReader,
  type Wire,
} from "@millrace/core/host"
import { SecretReader as FromNode, type Otlp } from "@millrace/node"
import type { StatsigOptions } from "@millrace/statsig"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Log from "../text/Log.ts"
import { ConfigError, type Mistake } from "../text/Mistake.ts"
import * as ConfigFile from "./ConfigFile.ts"
import * as StoreUrl from "./StoreUrl.ts"
import * as Settings from "./settings.ts"
import * as Variables from "./variables.ts"

/** What a server is started with. */
export interface Config {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Where `/metrics` and `/readyz` are: a port of `null` is the one above. */
  readonly ops: { readonly host: string; readonly port: number | null; readonly key: string | null }
  /** Where spans go; `null` when none are made. */
  readonly otlp: Otlp.OtlpOptions | null
  readonly store: StoreUrl.StoreUrl
  /** How many ms to wait at the start for a store that cannot be used yet; 0 means not at all. */
  readonly waitForStore: number
  /** How many ms entries that every destination is done with are kept. */
  readonly keepFor: number
  /** How many ms what is pending may still go out after the server is told to stop. */
  readonly drainDeadline: number
  /** How many processes take events in: with 1 it is the one that does everything else, too. */
  readonly workers: number
  /** The level that acknowledged events have to be safe at; `null` when the store's own will do. */
  readonly ack: EventLog.Durability | null
  readonly keys: { readonly server: ReadonlyArray<string>; readonly client: ReadonlyArray<string> }
  /** What operators sign in with; without either there is no console. */
  readonly admin: { readonly adminToken?: string; readonly adminReadToken?: string }
  readonly destinations: ReadonlyArray<Destination.DestinationConfig>
  readonly validation: Wire.Validation
  /** How many ms two equal requests are one; `null` when they never are. */
  readonly dedupe: number | null
  readonly limits: Partial<Ingest.IngestLimits>
  readonly cors: HttpIngest.Cors
  /** Names of the user's own for routes. */
  readonly paths: OwnPaths
  /** What is kept of senders. */
  readonly client: HttpIngest.ClientConfig
  /** What is passed on to Statsig, and how. */
  readonly statsig: StatsigOptions
  /** The secrets of webhooks in Statsig's console that point here. */
  readonly statsigSecrets: ReadonlyArray<string>
  /** `null` without one: exposures go out with what their senders know of them. */
  readonly catalog: Settings.Catalog | null
  /** What `fields.hash` hashes with; `null` when there is none, and nothing to hash. */
  readonly hashKey: string | null
  /** Where alerts go; `null` for nowhere. */
  readonly alerts: AlertConfig | null
  /** What is logged, and how. */
  readonly log: Log.LogSettings
  /** All, or those of the list: addresses, ranges and host names. */
  readonly allowPrivateDestinations: boolean | ReadonlyArray<string>
}

/** What somebody has set, and where: a flag's or a variable's name. */
interface Given {
  readonly where: string
  readonly texts: ReadonlyArray<string>
}

/** What a flag says. */
const givenByFlag = (name: Settings.Name, flags: Settings.Flags): Given | undefined => {
  if (!Settings.hasFlag(name)) return undefined
  const flag = flags[name]
  const where = Settings.flagOf(name)
  if (typeof flag === "object") return { where, texts: flag }
  return flag === undefined || flag === false ? undefined : { where, texts: [String(flag)] }
}

/** A list's parts: a file may have one a line. */
const partsOf = (text: string): ReadonlyArray<string> =>
  text
    .split(/[,\r\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "")

/** What a variable says, or the file that it names. */
const givenByVariable = (
  name: Settings.Name,
  environment: Settings.Environment,
  reader: SecretReader,
): Result.Result<Given | undefined, Mistake> =>
  Settings.hasVariable(name)
    ? Result.map(Variables.read(Settings.variableOf(name), environment, reader), (said) => {
        if (said === undefined) return undefined
        const { where, text } = said
        return { where, texts: Settings.table[name].isList === true ? partsOf(text) : [text] }
      })
    : Result.succeed(undefined)

/** Reads a file; `null` when there is none. */
const contentOf = (path: string): Result.Result<string | null, string> => {
  try {
    return Result.succeed(readFileSync(path, "utf8"))
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT") return Result.succeed(null)
    return Result.fail(code === "EISDIR" ? "is a directory" : `cannot be read (${String(code)})`)
  }
}

/** @param given who has named the file: it has to be there then */
const readFile = (
  path: string,
  given: Given | undefined,
  options: ConfigFile.ParseOptions,
): Result.Result<ConfigFile.ConfigFile, ReadonlyArray<Mistake>> => {
  const content = contentOf(path)
  if (Result.isFailure(content)) return Result.fail([{ where: path, message: content.failure }])
  if (content.success !== null) return ConfigFile.parse(path, content.success, options)
  return given === undefined
    ? Result.succeed(ConfigFile.empty)
    : Result.fail([{ where: given.where, message: `there is no file ${path}` }])
}

/**
 * Makes the id of a destination that is given as a bare URL: the same URL is the same destination
 * after a restart.
 */
const webhookId = (url: string): string =>
  `webhook-${createHash("sha256").update(url).digest("hex").slice(0, 8)}`

const decodeAlerts = Schema.decodeUnknownResult(AlertConfig)

/** `*` stands for all there are, `none` for none. */
const corsOf = (origins: ReadonlyArray<string>): HttpIngest.Cors =>
  origins.includes("none") ? false : { origins: origins.includes("*") ? "*" : origins }
const decodeSigning = Schema.decodeUnknownResult(Destination.Signing)
const decodeWebhook = Schema.decodeUnknownResult(Destination.configFor(Destination.webhookSchemes))

/**
 * What says where the store is, and what is demanded of it: for those who look, other mistakes in
 * the configuration are the server's matter, and so are variables that only the server has.
 */
const looked: ReadonlyArray<Settings.Name> = ["store", "storeMaxBytes", "ack", "config"]

/** Flags beat variables, which beat the config file. Fails with every mistake there is. */
export const load = Effect.fnUntraced(function* (
  flags: Settings.Flags,
  environment: Settings.Environment,
  purpose: StoreUrl.Purpose = "to serve",
): Effect.fn.Return<Config, ConfigError> {
  const reader = yield* Effect.provide(SecretReader, FromNode.layer)
  const names = purpose === "to look" ? looked : Settings.names
  const mistakes: Array<Mistake> = []
  const found = new Map<Settings.Name, Given | undefined>()
  for (const name of names) {
    const byFlag = givenByFlag(name, flags)
    const read = byFlag === undefined ? givenByVariable(name, environment, reader) : Result.succeed(byFlag)
    if (Result.isSuccess(read)) found.set(name, read.success)
    else mistakes.push(read.failure)
  }
  const given = (name: Settings.Name): Given | undefined => found.get(name)
  const check = <A>(where: string, decoded: Result.Result<A, Schema.SchemaError>): ReadonlyArray<A> => {
    if (Result.isSuccess(decoded)) return [decoded.success]
    mistakes.push(...SchemaProblems.read(decoded.failure).map(({ message }) => ({ where, message })))
    return []
  }

  const { config, ...defaults } = Settings.defaults
  const path = given("config")?.texts[0] ?? config
  let file = ConfigFile.empty
  /** What flags and variables say; one value in a list for a setting that takes only one. */
  const set = new Map<Settings.Name, ReadonlyArray<unknown>>()
  for (const name of names) {
    const one = given(name)
    if (name === "config") {
      const hasHashKey = given("hashKey") !== undefined
      const parsed = readFile(path, one, { names, environment, hasHashKey })
      if (Result.isSuccess(parsed)) file = parsed.success
      else mistakes.push(...parsed.failure)
    }
    if (one === undefined) continue
    const { schema, read } = Settings.table[name]
    const decode = Schema.decodeUnknownResult(schema)
    const decoded = one.texts.flatMap((text) => check(one.where, decode(read?.(text) ?? text)))
    set.set(name, decoded)
  }
  // Each has been decoded by its own schema.
  const one = <N extends Settings.Name>(name: N) =>
    (set.get(name)?.[0] as Settings.Value<N> | undefined) ?? file.value(name)
  const list = (name: "serverKey" | "clientKey") =>
    (set.get(name) as ReadonlyArray<string> | undefined) ?? file.value(name) ?? []

  /** What the file only names is read where it is needed. */
  const tokenOf = (name: "adminToken" | "adminReadToken" | "opsKey"): string | undefined => {
    const written = one(name)
    if (written === undefined) return undefined
    const resolved = Secret.resolve(written, reader)
    const where = given(name)?.where ?? path
    const inFile = given(name) === undefined ? `${Settings.table[name].key}: ` : ""
    const problem = Result.isFailure(resolved)
      ? resolved.failure
      : resolved.success.length < Console.minToken
        ? `${Console.minToken} characters at least`
        : null
    if (problem === null) return Result.getOrThrow(resolved)
    mistakes.push({ where, message: `${inFile}${problem}` })
    return undefined
  }
  const adminToken = tokenOf("adminToken")
  const adminReadToken = tokenOf("adminReadToken")
  if (adminToken !== undefined && adminToken === adminReadToken) {
    const message = "the same as the token that may do everything"
    mistakes.push({ where: given("adminReadToken")?.where ?? path, message })
  }

  const opsKey = tokenOf("opsKey")
  const opsPort = one("opsPort")
  const opsHost = one("opsHost")
  if (opsHost !== undefined && opsPort === undefined) {
    const where = given("opsHost")?.where
    const message = `there is no ${Settings.flagOf("opsPort")} that it could be for`
    mistakes.push(
      where === undefined
        ? { where: path, message: `${Settings.table.opsHost.key}: ${message}` }
        : { where, message },
    )
  }

  const otlp = one("otlp")
  const otlpHeaders: Record<string, string> = {}
  for (const [name, value] of Object.entries(file.value("otlpHeaders") ?? {})) {
    if (otlp === undefined) continue
    const resolved = Secret.resolve(value, reader)
    if (Result.isSuccess(resolved)) otlpHeaders[name] = resolved.success
    else mistakes.push({ where: path, message: `otlp.headers.${name}: ${resolved.failure}` })
  }

  const origins = set.get("corsOrigin") as ReadonlyArray<string> | undefined
  if (origins?.includes("none") === true && origins.length > 1) {
    mistakes.push({ where: given("corsOrigin")!.where, message: "none stands alone" })
  }
  const limits = {
    bodyBytes: one("maxBodyBytes"),
    events: one("maxEvents"),
    inFlightBytes: one("maxInFlightBytes"),
  }

  const ownPaths = set.get("logEventPath") as ReadonlyArray<string> | undefined

  const passThrough = set.get("statsigPassThrough")?.[0] as boolean | undefined
  const relay = one("statsigRelay")
  const serverKey = one("statsigServerKey")

  const destinations = [...(file.value("destinations") ?? [])]
  const webhooks = given("webhook")
  const secret = given("webhookSecret")
  if (secret !== undefined && webhooks === undefined) {
    const message = `there is no ${Settings.flagOf("webhook")} whose requests it could sign`
    mistakes.push({ where: secret.where, message })
  }
  const signing =
    secret === undefined ? [] : check(secret.where, decodeSigning({ standardWebhooks: secret.texts }))
  for (const url of webhooks?.texts ?? []) {
    const where = webhooks!.where
    const id = webhookId(url)
    const twice = destinations.some((destination) => destination.id === id)
    if (twice) mistakes.push({ where, message: `the destination ${id} is there already` })
    else {
      const decoded = check(where, decodeWebhook({ id, url }))
      destinations.push(
        ...decoded.map((destination) => ({ ...destination, ...(signing[0] && { signing: signing[0] }) })),
      )
    }
  }

  const alertUrl = given("alertUrl")
  const alertSecret = given("alertSecret")
  const fileAlerts = file.value("alertUrl")
  if (alertSecret !== undefined && alertUrl === undefined) {
    const message = `there is no ${Settings.flagOf("alertUrl")} whose requests it could sign`
    mistakes.push({ where: alertSecret.where, message })
  }
  const alertSigning =
    alertSecret === undefined
      ? []
      : check(alertSecret.where, decodeSigning({ standardWebhooks: alertSecret.texts }))
  const alertUrlSet = set.get("alertUrl")?.[0]
  const alerts =
    alertUrlSet === undefined
      ? [fileAlerts ?? null]
      : check(
          alertUrl!.where,
          decodeAlerts({
            ...fileAlerts,
            url: alertUrlSet,
            ...(alertSigning[0] && { signing: alertSigning[0] }),
          }),
        )

  const storeUrl = yield* Effect.result(
    StoreUrl.parse(one("store") ?? defaults.store, one("storeMaxBytes"), purpose),
  )
  if (Result.isFailure(storeUrl)) {
    const isFromFile = set.get("store")?.[0] === undefined
    mistakes.push(
      isFromFile
        ? { where: path, message: `${Settings.table.store.key}: ${storeUrl.failure}` }
        : { where: given("store")!.where, message: storeUrl.failure },
    )
  }

  if (mistakes.length > 0 || Result.isFailure(storeUrl)) return yield* new ConfigError({ mistakes })
  return {
    host: one("host") ?? defaults.host,
    port: one("port") ?? defaults.port,
    ops: { host: opsHost ?? defaults.host, port: opsPort ?? null, key: opsKey ?? null },
    otlp:
      otlp === undefined
        ? null
        : { url: otlp, sample: one("otlpSample") ?? defaults.otlpSample, headers: otlpHeaders },
    store: storeUrl.success,
    waitForStore: one("waitForStore") ?? defaults.waitForStore,
    keepFor: one("keepFor") ?? defaults.keepFor,
    drainDeadline: one("drainDeadline") ?? defaults.drainDeadline,
    workers: one("workers") ?? defaults.workers,
    ack: one("ack") ?? null,
    keys: { server: list("serverKey"), client: list("clientKey") },
    admin: {
      ...(adminToken === undefined ? {} : { adminToken }),
      ...(adminReadToken === undefined ? {} : { adminReadToken }),
    },
    destinations,
    validation: one("validation") ?? defaults.validation,
    dedupe: one("dedupe") ?? null,
    limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)),
    cors: origins === undefined ? (file.value("corsOrigin") ?? { origins: "*" }) : corsOf(origins),
    paths: ownPaths === undefined ? (file.value("logEventPath") ?? {}) : { log_event: ownPaths },
    client: file.value("client") ?? {},
    statsig: {
      ...file.value("statsigPassThrough"),
      ...(passThrough === undefined ? {} : { passThrough }),
      ...(relay === undefined ? {} : { relay }),
      ...(serverKey === undefined ? {} : { serverKey }),
    },
    statsigSecrets: [file.value("statsigSecret") ?? []].flat(),
    catalog: file.value("catalog") ?? null,
    hashKey: one("hashKey") ?? null,
    alerts: alerts[0] ?? null,
    log: { level: one("logLevel") ?? defaults.logLevel, format: one("logFormat") ?? Log.defaultFormat() },
    allowPrivateDestinations: one("allowPrivateDestinations") ?? false,
  }
})
