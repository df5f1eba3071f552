import type { ConnectionOptions } from "node:tls"
import { ConnectionUrl, EventLog } from "@millrace/core/store"
import * as Result from "effect/Result"

export interface Options {
  /** `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string
  /** Options of the TLS connection: a certificate authority of one's own, a client certificate. */
  readonly tls?: ConnectionOptions
  /**
   * What all keys begin with, in braces: several stores share a server by different ones.
   * `millrace` by default.
   */
  readonly prefix?: string
  /**
   * Partitions of the log, told when the store is made: 1 by default. A store that is there already
   * keeps the number it has.
   */
  readonly partitions?: number
  /**
   * What the log may take, in bytes of envelopes and bodies, shared evenly by its partitions: 10 GB
   * by default.
   */
  readonly maxBytes?: number
  /** After how many ms a call to a server that does not answer fails: 10,000 by default. */
  readonly requestTimeout?: number
  /**
   * Says that the server syncs its append-only file before it answers, where it does not let its
   * clients ask (`CONFIG GET` is often forbidden on managed servers). What the server says of
   * itself wins.
   */
  readonly appendfsync?: "always"
}

/** Where the server is and who asks. */
interface Location {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly database: number
  readonly username: string | null
  readonly password: string | null
}

/** {@link Options} with nothing left open. */
export interface Settings extends Location {
  readonly tls: ConnectionOptions
  readonly prefix: string
  /** `null`: those the store has. */
  readonly partitions: number | null
  readonly maxBytes: number
  readonly requestTimeout: number
  readonly assertsAlways: boolean
  /** For messages: see {@link describe}. */
  readonly name: string
}

const defaults = {
  port: 6379,
  prefix: "millrace",
  maxBytes: EventLog.defaultMaxBytesOnDisk,
  requestTimeout: 10_000,
}

/** More would be more streams than anybody has processes for. */
const maxPartitions = 1024

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

const parseUrl = (text: string): Result.Result<URL, string> => {
  const prepared = ConnectionUrl.prepare(text)
  if (Result.isFailure(prepared)) return Result.fail(prepared.failure)
  if (ConnectionUrl.hostsOf(prepared.success).length > 1) {
    return Result.fail("several hosts: one is needed, so give the name or the proxy that follows the primary")
  }
  return URL.canParse(prepared.success)
    ? Result.succeed(new URL(prepared.success))
    : Result.fail("the URL cannot be read")
}

const locate = (url: URL): Result.Result<Location, string> => {
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    return Result.fail("the URL begins with neither redis:// nor rediss://")
  }
  if (url.hostname === "") return Result.fail("the URL names no host")
  const database = url.pathname.replace(/^\//, "") || "0"
  if (!/^\d{1,5}$/.test(database)) return Result.fail("the database, behind the host, is not a number")
  const username = decoded(url.username)
  const password = decoded(url.password)
  if (username === null || password === null) {
    return Result.fail("the user or the password holds a % that encodes nothing")
  }
  return Result.succeed({
    secure: url.protocol === "rediss:",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaults.port : Number(url.port),
    database: Number(database),
    username: username === "" ? null : username,
    password: password === "" ? null : password,
  })
}

const nameOf = ({ secure, host, port, database, username }: Location, prefix: string): string => {
  const user = username === null ? "" : `${encodeURIComponent(username)}@`
  const address = host.includes(":") ? `[${host}]` : host
  const query = prefix === defaults.prefix ? "" : `?prefix=${prefix}`
  return `${secure ? "rediss" : "redis"}://${user}${address}:${port}/${database}${query}`
}

const isPositive = (value: number): boolean => value > 0 && Number.isFinite(value)

/** Options as the store works with them, or what is wrong with them. */
export const parse = (options: Options): Result.Result<Settings, string> => {
  const { prefix = defaults.prefix, partitions = null, appendfsync, tls = {} } = options
  const { maxBytes = defaults.maxBytes, requestTimeout = defaults.requestTimeout } = options
  const url = parseUrl(options.url)
  if (Result.isFailure(url)) return Result.fail(url.failure)
  const location = locate(url.success)
  if (Result.isFailure(location)) return Result.fail(location.failure)
  if (!/^[\w.:-]{1,100}$/.test(prefix)) {
    return Result.fail("prefix: 1 to 100 letters, digits or any of _.:- are needed")
  }
  if (
    partitions !== null &&
    !(Number.isInteger(partitions) && partitions > 0 && partitions <= maxPartitions)
  ) {
    return Result.fail(`partitions: a whole number from 1 to ${maxPartitions} is needed`)
  }
  if (!isPositive(maxBytes)) return Result.fail("maxBytes: a number above 0 is needed")
  if (!isPositive(requestTimeout)) return Result.fail("requestTimeout: a number of ms above 0 is needed")
  if (appendfsync !== undefined && appendfsync !== "always") {
    return Result.fail('appendfsync: only "always" can be said')
  }
  return Result.succeed({
    ...location.success,
    tls,
    prefix,
    partitions,
    maxBytes,
    requestTimeout,
    assertsAlways: appendfsync === "always",
    name: nameOf(location.success, prefix),
  })
}

/** `Number("")` is 0. */
const toNumber = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text))

/** What each parameter of a URL says. Whether it may be so is for {@link parse} to say. */
const parameters = new Map<string, (value: string) => Partial<Options>>([
  ["prefix", (prefix) => ({ prefix })],
  ["partitions", (value) => ({ partitions: toNumber(value) })],
  ["maxBytes", (value) => ({ maxBytes: toNumber(value) })],
  ["requestTimeout", (value) => ({ requestTimeout: toNumber(value) })],
  ["appendfsync", (value) => ({ appendfsync: value as "always" })],
])

/**
 * The options that one URL says, with those of this store as its query, as in
 * `redis://localhost:6379/0?prefix=shop&partitions=4`. There are `maxBytes`, `requestTimeout` and
 * `appendfsync` too.
 * A failure says what is wrong, without the URL, which may hold a password.
 */
export const optionsFromUrl = (text: string): Result.Result<Options, string> => {
  const read = parseUrl(text)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const url = read.success
  const given = new Map<string, Partial<Options>>()
  for (const [name, value] of url.searchParams) {
    const parameter = parameters.get(name)
    if (parameter === undefined) {
      return Result.fail(`unknown parameter ${name}: there are ${[...parameters.keys()].join(", ")}`)
    }
    if (given.has(name)) return Result.fail(`the parameter ${name} is given twice`)
    given.set(name, parameter(value))
  }
  url.search = ""
  url.hash = ""
  const options: Options = Object.assign({ url: url.toString() }, ...given.values())
  return Result.map(parse(options), () => options)
}

/**
 * The server and, unless it is the default, the prefix, without the password: for logs and
 * messages.
 */
export const describe = (options: Options): string =>
  Result.match(parse(options), { onSuccess: ({ name }) => name, onFailure: () => "redis (wrong options)" })
