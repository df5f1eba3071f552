import { Position, StoreError, type StoreReason } from "@millrace/core"

/** SQLSTATEs of the schema's own functions: `ML` is a class that PostgreSQL leaves to others. */
const own = {
  /** What was begun in one segment has to be begun again in the next. */
  goneOn: "ML001",
  outside: "ML002",
  lessDurable: "ML003",
  missing: "ML004",
} as const

/** Rolled back for the sake of others: the same again will do. */
const passing: ReadonlySet<string> = new Set(["40001", "40P01", own.goneOn])

const cancelled = "57014"

/** Known by SQLSTATE, or by its class (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const known: ReadonlyMap<string, readonly [tag: "Unavailable" | "Corrupt", message: string]> = new Map([
  ["08", ["Unavailable", "the connection failed"]],
  ["25006", ["Unavailable", "the server is read-only: a standby, perhaps"]],
  ["28", ["Unavailable", "the server refuses this user or password"]],
  ["3D000", ["Unavailable", "there is no such database"]],
  ["42501", ["Unavailable", "the user lacks a privilege"]],
  ["3F000", ["Corrupt", "the schema is not there any more"]],
  ["42P01", ["Corrupt", "the schema's tables are not those this program made"]],
  ["42703", ["Corrupt", "the schema's tables are not those this program made"]],
  ["42883", ["Corrupt", "the schema's functions are not those this program made"]],
  ["53100", ["Unavailable", "the server's disk is full"]],
  ["53200", ["Unavailable", "the server is out of memory"]],
  ["53300", ["Unavailable", "the server has no connection left"]],
  ["53", ["Unavailable", "the server lacks resources"]],
  ["55", ["Unavailable", "something is locked by somebody else"]],
  [cancelled, ["Unavailable", "the server cancelled the statement"]],
  ["57P03", ["Unavailable", "the server is starting up or shutting down"]],
  ["57", ["Unavailable", "the server ended the connection"]],
  ["58", ["Unavailable", "the server's system failed"]],
  ["XX001", ["Corrupt", "the server finds its data damaged"]],
  ["XX002", ["Corrupt", "the server finds its data damaged"]],
])

/** Classes of errors that only a mistake in this program brings about. */
const mistakes: ReadonlySet<string> = new Set(["22", "23", "42"])

const sqlState = /^[0-9A-Z]{5}$/

/** An error's code: an SQLSTATE, or one of Node's. */
export const codeOf = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null

export const isPassing = (error: unknown): boolean => passing.has(codeOf(error) ?? "")

/** The server has answered, so that the connection is as good as before. */
export const isAnswer = (error: unknown): boolean => {
  const code = codeOf(error)
  if (code === null || !sqlState.test(code)) return false
  return code === cancelled || !["08", "57"].includes(code.slice(0, 2))
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failed = (reason: StoreReason, message: string): StoreError => {
  const error = new StoreError({ reason, message })
  // Until it is read, V8 keeps everything that the calls on the stack hold: the bodies of an append that was refused.
  void error.stack
  return error
}

export const unavailable = (message: string): StoreError => failed({ _tag: "Unavailable" }, message)

export const corrupt = (message: string): StoreError => failed({ _tag: "Corrupt" }, message)

export const incompatible = (message: string): StoreError => failed({ _tag: "Incompatible" }, message)

export const fullOf = (maxBytes: number): StoreError =>
  failed({ _tag: "Full" }, `the log's ${maxBytes} bytes are taken by entries not yet delivered`)

export const closed = (): StoreError => failed({ _tag: "Closed" }, "the store has been closed")

const outside = (tail: number, head: number): StoreError => {
  const bounds = { tail: Position.fromNumber(tail), head: Position.fromNumber(head) }
  return failed(
    { _tag: "OutOfRange", ...bounds, resumeAt: bounds.tail },
    `the position is outside the log, which holds those after "${bounds.tail}" up to "${bounds.head}"`,
  )
}

/**
 * What an error of the driver or the server means; `null` for a mistake in this program.
 *
 * @param place to be named in the message
 */
export const storeErrorOf = (error: unknown, place: string): StoreError | null => {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const message = messageOf(error)
  switch (code) {
    case own.outside: {
      const [tail, head] = message.split(" ").map(Number)
      return outside(tail ?? 0, head ?? 0)
    }
    case own.lessDurable:
      return unavailable(`${place}: the server's settings no longer give what was declared, but ${message}`)
    case own.missing:
      return corrupt(`${place}: ${message}`)
  }
  // The driver's, and the only one of its own that an operator can mend.
  if (code === null && /password must be/.test(message)) {
    return unavailable(`${place}: the server asks for a password, and there is none`)
  }
  if (code === null || !sqlState.test(code)) {
    return unavailable(`${place}: no connection (${code ?? message})`)
  }
  const found = known.get(code) ?? known.get(code.slice(0, 2))
  if (found === undefined) {
    return mistakes.has(code.slice(0, 2)) ? null : unavailable(`${place}: ${message} (${code})`)
  }
  const [tag, meaning] = found
  return failed({ _tag: tag }, `${place}: ${meaning} (${message})`)
}
