import * as Result from "effect/Result"

export interface Options {
  /**
   * `postgres://user:password@host:port/database`, with the driver's own parameters (`sslmode`, `application_name`, ...). What is
   * left out comes from the environment, as for every client of PostgreSQL (`PGHOST`, `PGPASSWORD`, ...).
   */
  readonly url: string
  /** Where the tables are: `millrace` by default. It is made when it is not there. Several Millraces have one each. */
  readonly schema?: string
  /** What the log may take, in bytes of envelopes and bodies: 10 GB by default. Tables are compressed, and have indexes. */
  readonly maxBytes?: number
  /** How long a call may take, in ms: 10,000 by default. Then it fails with `Unavailable`; what it asked for may still happen. */
  readonly requestTimeout?: number
  /** How many connections there may be, besides one that listens: 8 by default. */
  readonly connections?: number
}

export interface Settings extends Required<Options> {}

export const defaults = {
  schema: "millrace",
  maxBytes: 10 * 1024 ** 3,
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

const parse = (url: string): URL | null => {
  if (!/^postgres(ql)?:\/\//i.test(url) || !URL.canParse(url)) return null
  return new URL(url)
}

const notAUrl = "expected a URL such as postgres://user:password@host:5432/database"

/** What is wrong with options, without what may be secret in them; `null` when nothing is. */
const problemOf = ({ url, schema, maxBytes, requestTimeout, connections }: Settings): string | null => {
  const parsed = parse(url)
  if (parsed === null) return `url: ${notAUrl}`
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

/** With the defaults. What a program gets wrong is to be seen where it is written: a `RangeError`. */
export const settingsOf = (options: Options): Settings => {
  const settings = { ...defaults, ...options }
  const problem = problemOf(settings)
  if (problem !== null) throw new RangeError(problem)
  return settings
}

/**
 * The options that a URL gives, as a command has it from its user: `schema`, `maxBytes`, `requestTimeout` and `connections` may stand in its query. Fails
 * with a message that names the mistake, and never holds the URL.
 *
 * @example
 * ```ts
 * optionsFromUrl("postgres://millrace@db.internal/app?schema=events&sslmode=verify-full")
 * ```
 */
export const optionsFromUrl = (url: string): Result.Result<Options, string> => {
  const parsed = parse(url)
  if (parsed === null) return Result.fail(notAUrl)
  const parameters = parsed.searchParams
  for (const name of new Set(parameters.keys())) {
    if (!drivers.has(name) && !own.some((known) => known === name)) {
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

/** Where the store is, for logs and messages: the URL without the password and parameters, and the schema. */
export const describe = ({ url, schema = defaults.schema }: Options): string => {
  const parsed = parse(url)
  if (parsed === null) return "a database without a valid URL"
  const user = parsed.username === "" ? "" : `${parsed.username}@`
  return `${parsed.protocol}//${user}${parsed.host}${parsed.pathname}?schema=${schema}`
}
