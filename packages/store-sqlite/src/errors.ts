import type { StoreReason } from "@millrace/core/store"

/** How a call ended that did not succeed, in a form that crosses threads. */
export type Failure =
  | { readonly kind: "refused"; readonly reason: StoreReason; readonly message: string }
  /** A position outside the log, which reaches from `tail` to `head`. */
  | { readonly kind: "outside"; readonly tail: number; readonly head: number }
  /** The log is of another generation than the caller believed. */
  | { readonly kind: "another" }
  /** A mistake in this program. */
  | { readonly kind: "defect"; readonly message: string }

/** Thrown inside the worker when a call is refused for a reason that is not SQLite's. */
export class Refusal extends Error {
  readonly reason: StoreReason

  constructor(reason: StoreReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Thrown for a position outside the log. */
export class OutsideLog extends Error {
  readonly tail: number
  readonly head: number

  constructor(tail: number, head: number) {
    super(`outside of ${tail} to ${head}`)
    this.tail = tail
    this.head = head
  }
}

/** Thrown when the log is of another generation than the caller believes. */
export class AnotherGeneration extends Error {}

export const unavailable = (message: string): Refusal => new Refusal({ _tag: "Unavailable" }, message)

export const corrupt = (message: string): Refusal => new Refusal({ _tag: "Corrupt" }, message)

/**
 * SQLite's primary result codes (https://www.sqlite.org/rescode.html): the messages differ between
 * drivers, these do not.
 */
const codes: ReadonlyMap<
  number,
  readonly [tag: "Unavailable" | "Full" | "ReadOnly" | "Corrupt", message: string]
> = new Map([
  // SQLITE_ERROR: nothing here builds SQL from input, so a statement that does not fit means
  // another schema.
  [1, ["Corrupt", "its tables are not those this program made"]],
  [3, ["Unavailable", "permission denied"]],
  [5, ["Unavailable", "locked by another process"]],
  [6, ["Unavailable", "locked by another connection"]],
  [7, ["Unavailable", "out of memory"]],
  [8, ["ReadOnly", "read-only"]],
  [10, ["Unavailable", "disk I/O error"]],
  [11, ["Corrupt", "damaged"]],
  [13, ["Full", "disk full"]],
  [14, ["Unavailable", "cannot be opened"]],
  [15, ["Unavailable", "locking protocol failed"]],
  [22, ["Unavailable", "the file system cannot hold a file of this size"]],
  [23, ["Unavailable", "permission denied"]],
  [26, ["Corrupt", "not a SQLite database"]],
  // SQLITE_IOERR_SHMSIZE: of the shared memory beside the file.
  [4874, ["Full", "disk full"]],
])

/** The low byte is the primary code, what is above it tells apart kinds of the same. */
const meaningOf = (code: number) => codes.get(code) ?? codes.get(code & 0xff)

const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : undefined

/** Whether the disk has had no room for something. */
export const isFull = (error: unknown): boolean => {
  const code = sqliteCode(error)
  return code !== undefined && meaningOf(code)?.[0] === "Full"
}

/** @param path of the file, to be named in the message */
export const failureOf = (error: unknown, path: string): Failure => {
  if (error instanceof Refusal) return { kind: "refused", reason: error.reason, message: error.message }
  if (error instanceof OutsideLog) return { kind: "outside", tail: error.tail, head: error.head }
  if (error instanceof AnotherGeneration) return { kind: "another" }
  const code = sqliteCode(error)
  const known = code === undefined ? undefined : meaningOf(code)
  if (known !== undefined) {
    const [_tag, message] = known
    return { kind: "refused", reason: { _tag }, message: `${path}: ${message} (SQLite code ${code})` }
  }
  return { kind: "defect", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
