import { ConnectionUrl, EventLog } from "@millrace/core/store"
import * as Result from "effect/Result"

/**
 * What the operator knows of the server: `always` when its JetStream syncs every write to disk
 * before it answers.
 */
export type Sync = "always" | "interval"

export interface Options {
  /**
   * Of the servers, `host:port` or `nats://host:port`: any of a cluster will do, several outlive
   * the loss of one.
   */
  readonly servers: string | ReadonlyArray<string>
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** The path of a `.creds` file, for servers with decentralised accounts. */
  readonly creds?: string
  /** Encrypts the connection. A server that demands it gets it also without. */
  readonly tls?: boolean
  /**
   * What the names of streams and subjects begin with, so that several stores share a server:
   * `millrace` by default. Letters, digits, `-` and `_`.
   */
  readonly prefix?: string
  /**
   * In how many streams the log is: a store that there is keeps its number by default, a new one
   * gets 1. It may grow, not shrink.
   */
  readonly partitions?: number
  /**
   * Replicas of each stream, 1 to 5: a store that there is keeps its number by default, a new one
   * gets 1.
   */
  readonly replicas?: number
  /** Where the servers keep the streams: `file` by default. It cannot be changed later. */
  readonly storage?: "file" | "memory"
  /**
   * The servers' sync setting, which they tell nobody: with `sync_interval: always`
   * (nats-server 2.10 and newer) say `always` here, and an acknowledged append has survived a power
   * cut. By default it is written to disk every two minutes.
   */
  readonly sync?: Sync
  /**
   * What the log may take, in bytes of envelopes and bodies, shared evenly by its partitions: 10 GB
   * by default.
   */
  readonly maxBytes?: number
  /**
   * How long a call waits for the server, in ms: 10 seconds by default. A write given up on may
   * still have been stored.
   */
  readonly requestTimeout?: number
}

export interface Settings {
  readonly servers: ReadonlyArray<string>
  readonly user: string | undefined
  readonly password: string | undefined
  readonly token: string | undefined
  readonly creds: string | undefined
  readonly tls: boolean
  readonly prefix: string
  readonly partitions: number | undefined
  readonly replicas: number | undefined
  readonly storage: "file" | "memory" | undefined
  readonly sync: Sync
  readonly maxBytes: number
  readonly requestTimeout: number
}

const defaultTimeout = 10_000

/**
 * Streams cost the servers memory each, and a store that has ten thousand was a slip of the finger.
 */
const maxPartitions = 1024

const isWhole = (value: number | undefined, from: number, to: number): boolean =>
  value === undefined || (Number.isInteger(value) && value >= from && value <= to)

const withoutScheme = (server: string): string => server.replace(/^[a-z]+:\/\//, "").replace(/\/$/, "")

const toServers = (servers: Options["servers"]): ReadonlyArray<string> =>
  (typeof servers === "string" ? [servers] : servers).map(withoutScheme)

/** The first thing wrong with them. */
const problemOf = (options: Options): string | undefined => {
  const { partitions, replicas, prefix = "millrace", maxBytes = 1, requestTimeout = 1 } = options
  const servers = toServers(options.servers)
  if (servers.length === 0 || servers.includes("")) return "servers is empty: a host is needed"
  if (servers.some((server) => server.includes("@")))
    return "servers has a user or a token in it: they have options of their own"
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(prefix)) {
    return `prefix is "${prefix}": 1 to 64 letters, digits, "-" and "_" are needed`
  }
  if (!isWhole(partitions, 1, maxPartitions))
    return `partitions is ${partitions}: a whole number from 1 to ${maxPartitions} is needed`
  if (!isWhole(replicas, 1, 5)) return `replicas is ${replicas}: a whole number from 1 to 5 is needed`
  if (!(maxBytes > 0)) return `maxBytes is ${maxBytes}: a number above 0 is needed`
  if (!(requestTimeout > 0)) return `requestTimeout is ${requestTimeout}: a number of ms above 0 is needed`
  return undefined
}

/**
 * With the defaults. What a program gets wrong is to be seen where it is written: a `RangeError`.
 */
export const settingsOf = (options: Options): Settings => {
  const problem = problemOf(options)
  if (problem !== undefined) throw new RangeError(problem)
  return {
    servers: toServers(options.servers),
    user: options.user,
    password: options.password,
    token: options.token,
    creds: options.creds,
    tls: options.tls ?? false,
    prefix: options.prefix ?? "millrace",
    partitions: options.partitions,
    replicas: options.replicas,
    storage: options.storage,
    sync: options.sync ?? "interval",
    maxBytes: options.maxBytes ?? EventLog.defaultMaxBytesOnDisk,
    requestTimeout: options.requestTimeout ?? defaultTimeout,
  }
}

/** The store's URL without user, password and token: for logs and messages. */
export const describe = ({ servers, tls, prefix }: Options): string =>
  `${tls === true ? "tls" : "nats"}://${toServers(servers).join(",")}${prefix === undefined ? "" : `?prefix=${prefix}`}`

type Parsed = Result.Result<Partial<Options>, string>

const oneOf =
  <K extends "storage" | "sync">(name: K, values: ReadonlyArray<NonNullable<Options[K]>>) =>
  (text: string): Parsed => {
    const value = values.find((one) => one === text)
    return value === undefined
      ? Result.fail(`${name} is "${text}": ${values.join(" or ")} is needed`)
      : Result.succeed({ [name]: value })
  }

const number =
  (name: "partitions" | "replicas" | "maxBytes" | "requestTimeout") =>
  (text: string): Parsed =>
    /^\d+$/.test(text)
      ? Result.succeed({ [name]: Number(text) })
      : Result.fail(`${name} is "${text}": a number is needed`)

const text =
  (name: "prefix" | "creds") =>
  (value: string): Parsed =>
    Result.succeed({ [name]: value })

const parameters: Readonly<Record<string, (value: string) => Parsed>> = {
  prefix: text("prefix"),
  creds: text("creds"),
  partitions: number("partitions"),
  replicas: number("replicas"),
  maxBytes: number("maxBytes"),
  requestTimeout: number("requestTimeout"),
  storage: oneOf("storage", ["file", "memory"]),
  sync: oneOf("sync", ["always", "interval"]),
}

const decoded = (value: string): string | undefined => {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

const credentialsOf = (userinfo: string | undefined): Parsed => {
  if (userinfo === undefined) return Result.succeed({})
  const [first = "", ...rest] = userinfo.split(":")
  const user = decoded(first)
  const password = decoded(rest.join(":"))
  if (user === undefined || password === undefined) {
    return Result.fail("user or password is not percent-encoded as a URL demands")
  }
  return Result.succeed(rest.length === 0 ? { token: user } : { user, password })
}

/**
 * A list of URLs, as clients of NATS take it, as one URL with a list of hosts:
 * `nats://me:pass@a,nats://me:pass@b` is `nats://me:pass@a,b`. Fails when they would be entered by
 * several users.
 */
const asOne = (url: string): Result.Result<string, string> => {
  const [first = "", ...later] = url.split(/\/?,\s*(?=(?:nats|tls):\/\/)/)
  const last = later.at(-1)
  if (last === undefined) return Result.succeed(url)
  const withoutTail = (server: string) => server.replace(/^[a-z]+:\/\//, "").replace(/[/?#].*$/s, "")
  const [head, ...others] = [first, ...later].map(withoutTail)
  const tail = /[/?#].*$/s.exec(last.replace(/^[a-z]+:\/\//, ""))?.[0] ?? ""
  const userinfoOf = (server: string) => server.slice(0, server.lastIndexOf("@") + 1)
  const user = userinfoOf(head!)
  const hosts = [head!, ...others].map((server) => server.slice(userinfoOf(server).length))
  return others.map(userinfoOf).every((one) => one === "" || one === user)
    ? Result.succeed(`${first.slice(0, first.indexOf("//") + 2)}${user}${hosts.join(",")}${tail}`)
    : Result.fail("one user is needed for all servers: it may stand before the first one only")
}

/**
 * Options from `nats://user:password@host:4222,host2:4222?prefix=&partitions=`, whose query may
 * also have `replicas`, `storage`, `sync`, `maxBytes`, `requestTimeout` and `creds`. `tls://`
 * encrypts, and a user without a password is a token. Fails with what is wrong, without repeating
 * the URL: there may be a password in it.
 */
export const optionsFromUrl = (url: string): Result.Result<Options, string> => {
  const prepared = Result.flatMap(asOne(url.trim()), ConnectionUrl.prepare)
  if (Result.isFailure(prepared)) return Result.fail(prepared.failure)
  const [, scheme, userinfo, hosts = "", query = ""] =
    /^(nats|tls):\/\/(?:([^@/?]*)@)?([^/?@]*)\/?(?:\?(.*))?$/.exec(prepared.success) ?? []
  if (scheme === undefined)
    return Result.fail("a URL such as nats://127.0.0.1:4222?prefix=millrace is needed")
  const credentials = credentialsOf(userinfo)
  if (Result.isFailure(credentials)) return Result.fail(credentials.failure)
  // Once `@`s are escaped: what was pasted as several users.
  if (/@.*,|,.*@/.test(decoded(userinfo ?? "") ?? "")) {
    return Result.fail(
      "a user and a password stand once, before the first server; a comma in them is written as %2C",
    )
  }
  let options: Options = {
    servers: hosts.split(","),
    ...(scheme === "tls" ? { tls: true } : {}),
    ...credentials.success,
  }
  for (const [name, value] of new URLSearchParams(query)) {
    const parse = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (parse === undefined) {
      return Result.fail(`unknown parameter "${name}": there are ${Object.keys(parameters).join(", ")}`)
    }
    const parsed = parse(value)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    options = { ...options, ...parsed.success }
  }
  const problem = problemOf(options)
  return problem === undefined ? Result.succeed(options) : Result.fail(problem)
}
