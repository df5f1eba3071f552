import { accessSync, constants } from "node:fs"
import { dirname } from "node:path"
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
  [26, ["Corrupt", "not a SQLite database, or damaged"]],
  // SQLITE_IOERR_SHMSIZE: of the shared memory beside the file.
  [4874, ["Full", "disk full"]],
])

/** The low byte is the primary code, what is above it tells apart kinds of the same. */
const meaningOf = (code: number) => codes.get(code) ?? codes.get(primaryOf(code))

const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : undefined

/** SQLITE_IOERR and SQLITE_CANTOPEN: what the system said in more detail is not told. */
const diskFault = 10
const cannotOpen = 14

const damaged = 11

/** What there is to be done about a damaged file. */
export const salvageHint = "`millrace salvage` copies what can be read"

const primaryOf = (code: number): number => code & 0xff

/** Whether the disk has failed to read, write or sync something. */
export const isDiskFault = (error: unknown): boolean => {
  const code = sqliteCode(error)
  return code !== undefined && primaryOf(code) === diskFault && !isFull(error)
}

/**
 * A file system that found its disk failing takes no writes any more; nor does one that was made
 * so.
 */
const isOnReadOnlyDisk = (path: string): boolean => {
  try {
    accessSync(dirname(path), constants.W_OK)
    return false
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS"
  }
}

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
    const isReadOnly = [diskFault, cannotOpen].includes(primaryOf(code!)) && isOnReadOnlyDisk(path)
    const [_tag, message] = isReadOnly ? (["ReadOnly", "its disk is read-only"] as const) : known
    const hint = primaryOf(code!) === damaged ? `; ${salvageHint}` : ""
    return {
      kind: "refused",
      reason: { _tag },
      message: `${path}: ${message} (SQLite code ${code})${hint}`,
    }
  }
  return { kind: "defect", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
