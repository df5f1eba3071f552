import {
  type EventLog,
  type Generations,
  type Position,
  StoreError,
  type StoreReason,
} from "@millrace/core/store"

/** SQLSTATEs of the schema's own functions: `ML` is a class that PostgreSQL leaves to others. */
const own = {
  /** What was begun in one segment has to be begun again in the next. */
  goneOn: "ML001",
  outside: "ML002",
  lessDurable: "ML003",
  missing: "ML004",
  /** The log is of another generation than the one the statement was meant for. */
  another: "ML005",
} as const

/** Rolled back for the sake of others: the same again will do. */
const passing: ReadonlySet<string> = new Set(["40001", "40P01", own.goneOn])

const cancelled = "57014"

const readOnly = "25006"

const diskFull = "53100"

/**
 * Known by SQLSTATE, or by its class
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const known: ReadonlyMap<
  string,
  readonly [tag: "Unavailable" | "ReadOnly" | "Full" | "Corrupt", message: string]
> = new Map([
  ["08", ["Unavailable", "the connection failed"]],
  [readOnly, ["ReadOnly", "the server is read-only: a standby, perhaps"]],
  ["28", ["Unavailable", "the server refuses this user or password"]],
  ["3D000", ["Unavailable", "there is no such database"]],
  ["42501", ["Unavailable", "the user lacks a privilege"]],
  ["3F000", ["Corrupt", "the schema is not there any more"]],
  ["42P01", ["Corrupt", "the schema's tables are not those this program made"]],
  ["42703", ["Corrupt", "the schema's tables are not those this program made"]],
  ["42704", ["Corrupt", "the schema's tables are not those this program made"]],
  ["42883", ["Corrupt", "the schema's functions are not those this program made"]],
  [diskFull, ["Full", "the server's disk is full"]],
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

export const isOfAnother = (error: unknown): boolean => codeOf(error) === own.another

/** Something of the schema is not there: perhaps nothing is. */
export const isMissing = (error: unknown): boolean =>
  ["3F000", "42P01", "42883"].includes(codeOf(error) ?? "")

/** The server takes nothing: another one may stand behind its address by now. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === readOnly

/** The server's disk is full: it is not the log's cap. */
export const isOutOfRoom = (error: unknown): boolean => codeOf(error) === diskFull

/** The server has answered, so that the connection is as good as before. */
export const isAnswer = (error: unknown): boolean => {
  const code = codeOf(error)
  if (code === null || !sqlState.test(code) || code === readOnly) return false
  return code === cancelled || !["08", "57"].includes(code.slice(0, 2))
}

/** OpenSSL's names of what is wrong with a certificate, as Node gives them. */
const certificates = /CERT|ISSUER|LEAF_SIGNATURE/

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failed = (reason: StoreReason, message: string): StoreError => {
  const error = new StoreError({ reason, message })
  // Until it is read, V8 keeps everything that the calls on the stack hold: the bodies of an append
  // that was refused.
  void error.stack
  return error
}

export const unavailable = (message: string): StoreError => failed({ _tag: "Unavailable" }, message)

export const readOnlyServer = (message: string): StoreError => failed({ _tag: "ReadOnly" }, message)

export const corrupt = (message: string): StoreError => failed({ _tag: "Corrupt" }, message)

/** @param level at which entries had been acknowledged */
export const lost = (place: string, level: string): StoreError =>
  failed(
    { _tag: "Lost" },
    `${place}: the store was emptied while it was open: its schema is gone, and with it what was acknowledged at level "${level}". ` +
      "Put the server's data back and start again; or start again without, to begin anew",
  )

export const incompatible = (message: string): StoreError => failed({ _tag: "Incompatible" }, message)

export const fullOf = (maxBytes: number): StoreError =>
  failed({ _tag: "Full" }, `the log's ${maxBytes} bytes are taken by entries not yet delivered`)

export const fullServer = (): StoreError => failed({ _tag: "Full" }, "the server's disk is full")

export const closed = (): StoreError => failed({ _tag: "Closed" }, "the store has been closed")

const outOfRange = (
  tail: Position.Position,
  head: Position.Position,
  resumeAt: Position.Position,
): StoreError =>
  failed(
    { _tag: "OutOfRange", tail, head, resumeAt },
    `the position is outside the log, which holds those after "${tail}" up to "${head}"`,
  )

/** For a position that the log has lost, or never had. */
export const outsideOf = (
  { tail, head }: EventLog.LogBounds,
  generations: Generations,
  position: Position.Position,
): StoreError => {
  const resumeAt = generations.resumeAt(position, 0)
  return outOfRange(tail, head, resumeAt > tail ? resumeAt : tail)
}

/**
 * What an error of the driver or the server means; `null` for a mistake in this program.
 *
 * @param place to be named in the message
 * @param generations of the log that was asked
 */
export const storeErrorOf = (error: unknown, place: string, generations: Generations): StoreError | null => {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const message = messageOf(error)
  switch (code) {
    case own.outside: {
      const [tail = 0, head = 0] = message.split(" ").map(Number)
      const kept = generations.positionOf(tail)
      return outOfRange(kept, generations.positionOf(head), kept)
    }
    case own.lessDurable:
      return failed(
        { _tag: "LevelTooLow" },
        `${place}: the server's settings no longer give what was declared, but ${message}`,
      )
    case own.another:
      return unavailable(`${place}: the log changes from one generation to the next again and again`)
    case own.missing:
      return corrupt(`${place}: ${message}`)
  }
  // The driver's, and the only one of its own that an operator can mend.
  if (code === null && /password must be/.test(message)) {
    return unavailable(`${place}: the server asks for a password, and there is none`)
  }
  if (code !== null && certificates.test(code)) {
    const hint =
      "name its authority by sslrootcert=PATH, or say uselibpqcompat=true to trust it as libpq does"
    return unavailable(`${place}: the server's certificate is not trusted (${code}): ${hint}`)
  }
  // The driver's, of a server that takes the connection and says nothing.
  if (code === null && /connection timeout/.test(message)) return unavailable(`${place}: no answer in time`)
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
