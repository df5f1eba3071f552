import { ConnectionUrl, EventLog } from "@millrace/core/store"
import * as Result from "effect/Result"

export interface Options {
  /**
   * `postgres://user:password@host:port/database`, with the driver's own parameters (`sslmode`,
   * `application_name`, ...). What is left out comes from the environment, as for every client of
   * PostgreSQL (`PGHOST`, `PGPASSWORD`, ...).
   */
  readonly url: string
  /**
   * Where the tables are: `millrace` by default. It is made when it is not there. Several Millraces
   * have one each.
   */
  readonly schema?: string
  /**
   * What the log may take, in bytes of envelopes and bodies: 10 GB by default. Tables are
   * compressed, and have indexes.
   */
  readonly maxBytes?: number
  /**
   * How long a call may take, in ms: 10,000 by default. Then it fails with `Unavailable`; what it
   * asked for may still happen.
   */
  readonly requestTimeout?: number
  /** How many connections there may be, besides one that listens: 8 by default. */
  readonly connections?: number
}

export interface Settings extends Required<Options> {}

export const defaults = {
  schema: "millrace",
  maxBytes: EventLog.defaultMaxBytesOnDisk,
  requestTimeout: 10_000,
  connections: 8,
}

/** A name that leaves room in an identifier's 63 bytes for a notification channel's prefix. */
const schemaName = /^[A-Za-z_][A-Za-z0-9_-]{0,49}$/

const own = ["schema", "maxBytes", "requestTimeout", "connections"] as const

/** What the driver takes from a URL. */
const drivers: ReadonlySet<string> = new Set([
  "host",
  "port",
  "user",
  "password",
  "ssl",
  "sslmode",
  "sslcert",
  "sslkey",
  "sslrootcert",
  "sslnegotiation",
  "uselibpqcompat",
  "application_name",
  "fallback_application_name",
  "client_encoding",
  "options",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
])

/**
 * What other clients know, and consoles put into what they give to be copied, by the values that
 * ask for nothing the driver does not do. `sslmode=require` is `verify-full` here: that is more
 * than a bound channel is there for.
 */
const others: ReadonlyMap<string, RegExp> = new Map([
  ["channel_binding", /^(disable|prefer|require)$/],
  ["connect_timeout", /^\d+$/],
  ["gssencmode", /^(disable|prefer)$/],
  ["keepalives", /^[01]$/],
  ["keepalives_idle", /^\d+$/],
  ["target_session_attrs", /^(any|read-write|primary|prefer-standby)$/],
])

/**
 * A user and a password without a host, as they stand before the path of a socket, where URLs have
 * no place for them.
 */
const withoutHost = /^(postgres(?:ql)?:\/\/)([^:@/]*)(?::([^@/]*))?@\/([^?]*)\??(.*)$/i

const withUserInQuery = (url: string): string => {
  const [, scheme, user = "", password, database, query = ""] = withoutHost.exec(url) ?? []
  if (scheme === undefined) return url
  const given = [`user=${user}`, ...(password === undefined ? [] : [`password=${password}`])]
  // In a query a plus would be a space.
  return `${scheme}/${database}?${[...given.map((one) => one.replaceAll("+", "%2B")), ...(query === "" ? [] : [query])].join("&")}`
}

const parse = (url: string): Result.Result<URL, string> => {
  const prepared = ConnectionUrl.prepare(url)
  if (Result.isFailure(prepared)) return Result.fail(prepared.failure)
  if (!/^postgres(ql)?:\/\//i.test(prepared.success)) return Result.fail(notAUrl)
  if (ConnectionUrl.hostsOf(prepared.success).length > 1) return Result.fail(severalHosts)
  const read = withUserInQuery(prepared.success)
  return URL.canParse(read) ? Result.succeed(new URL(read)) : Result.fail(notAUrl)
}

const severalHosts =
  "several hosts: this client connects to one, so give the name or the proxy that follows the primary"

const notAUrl = "expected a URL such as postgres://user:password@host:5432/database"

/** What is wrong with options, without what may be secret in them; `null` when nothing is. */
const problemOf = ({ url, schema, maxBytes, requestTimeout, connections }: Settings): string | null => {
  const read = parse(url)
  if (Result.isFailure(read)) return `url: ${read.failure}`
  const parsed = read.success
  const misplaced = own.find((name) => parsed.searchParams.has(name))
  if (misplaced !== undefined) return `url: ${misplaced} is an option of its own`
  if (!schemaName.test(schema) || schema.startsWith("pg_")) {
    return "schema: expected letters, digits, _ and -, at most 50, not beginning with a digit, - or pg_"
  }
  if (!(maxBytes > 0)) return "maxBytes: expected a number above 0"
  if (!(requestTimeout > 0 && requestTimeout <= 2 ** 31 - 1))
    return "requestTimeout: expected a number of ms above 0"
  if (!(Number.isInteger(connections) && connections > 0)) return "connections: expected an integer above 0"
  return null
}

/**
 * With the defaults. What a program gets wrong is to be seen where it is written: a `RangeError`.
 */
export const settingsOf = (options: Options): Settings => {
  const settings = { ...defaults, ...options }
  const problem = problemOf(settings)
  if (problem !== null) throw new RangeError(problem)
  const url = Result.getOrThrow(parse(settings.url))
  for (const name of others.keys()) url.searchParams.delete(name)
  return { ...settings, url: url.href }
}

/**
 * The options that a URL gives, as a command has it from its user: `schema`, `maxBytes`,
 * `requestTimeout` and `connections` may stand in its query. Fails with a message that names the
 * mistake, and never holds the URL.
 *
 * @example
 * ```ts
 * optionsFromUrl("postgres://millrace@db.internal/app?schema=events&sslmode=verify-full")
 * ```
 */
export const optionsFromUrl = (url: string): Result.Result<Options, string> => {
  const read = parse(url)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const parsed = read.success
  const parameters = parsed.searchParams
  for (const [name, value] of [...parameters]) {
    const allowed = others.get(name)
    if (allowed !== undefined) {
      if (!allowed.test(value)) return Result.fail(`${name}: this client cannot do what it asks for`)
      parameters.delete(name)
    } else if (!drivers.has(name) && !own.some((known) => known === name)) {
      return Result.fail(`unknown parameter ${JSON.stringify(name)}`)
    }
  }
  const schema = parameters.get("schema")
  const number = (name: "maxBytes" | "requestTimeout" | "connections") => {
    const text = parameters.get(name)
    return text === null ? {} : { [name]: /^\d+$/.test(text) ? Number(text) : Number.NaN }
  }
  const rest = {
    ...(schema === null ? {} : { schema }),
    ...number("maxBytes"),
    ...number("requestTimeout"),
    ...number("connections"),
  }
  for (const name of own) parameters.delete(name)
  const options: Options = { ...rest, url: parsed.href }
  const problem = problemOf({ ...defaults, ...options })
  return problem === null ? Result.succeed(options) : Result.fail(problem)
}

/**
 * Where the store is, for logs and messages: the URL without the password and parameters, and the
 * schema.
 */
export const describe = ({ url, schema = defaults.schema }: Options): string => {
  const read = parse(url)
  if (Result.isFailure(read)) return "a database without a valid URL"
  const parsed = read.success
  const user = parsed.username === "" ? "" : `${parsed.username}@`
  return `${parsed.protocol}//${user}${parsed.host}${parsed.pathname}?schema=${schema}`
}
