import type { Row, Value } from "./driver.ts"
import { corrupt } from "./errors.ts"

const decoder = new TextDecoder()

/**
 * A parameter as both drivers bind it whole. One of them ends a text at its first NUL, so a text
 * that has one is stored as a blob: the same text is always stored the same way, so it still equals
 * itself, as a key too.
 */
export const bindable = (value: Value): Value =>
  typeof value === "string" && value.includes("\0") ? Buffer.from(value) : value

const valueIn = (row: Row, column: string): Value => {
  const value = row[column]
  if (value === undefined) throw new Error(`no column ${column}`)
  return value
}

const unexpected = (column: string): never => {
  throw corrupt(`the column ${column} holds what this program never wrote`)
}

export const numberOrNull = (row: Row, column: string): number | null => {
  const value = valueIn(row, column)
  return value === null || typeof value === "number" ? value : unexpected(column)
}

export const number = (row: Row, column: string): number => numberOrNull(row, column) ?? unexpected(column)

export const textOrNull = (row: Row, column: string): string | null => {
  const value = valueIn(row, column)
  if (value === null || typeof value === "string") return value
  return value instanceof Uint8Array ? decoder.decode(value) : unexpected(column)
}

export const text = (row: Row, column: string): string => textOrNull(row, column) ?? unexpected(column)

export const bytes = (row: Row, column: string): Uint8Array => {
  const value = valueIn(row, column)
  return value instanceof Uint8Array ? value : unexpected(column)
}

/** A limit that SQLite takes: it knows no infinity there. */
export const rows = (limit: number): number => Math.min(limit, 1e12)

/**
 * The order of code units: the same on every machine, and that of the other stores; SQLite's is
 * that of UTF-8.
 */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
