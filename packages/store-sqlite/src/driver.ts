import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

/** What a parameter and a column may hold. */
export type Value = null | number | string | Uint8Array

export type Row = Readonly<Record<string, Value>>

export interface Statement {
  readonly run: (...parameters: ReadonlyArray<Value>) => { readonly changes: number | bigint }
  readonly get: (...parameters: ReadonlyArray<Value>) => Row | undefined
  readonly all: (...parameters: ReadonlyArray<Value>) => ReadonlyArray<Row>
}

/** The part of `node:sqlite` that this package uses. */
export interface Database {
  readonly isTransaction: boolean
  readonly exec: (sql: string) => void
  /** Makes a function that SQL can call. */
  readonly function: (
    name: string,
    options: { readonly varargs: boolean },
    body: (...values: ReadonlyArray<Value>) => Value,
  ) => void
  readonly prepare: (sql: string) => Statement
  readonly close: () => void
}

interface Driver {
  readonly DatabaseSync: new (
    path: string | URL,
    options: { readonly readOnly: boolean; readonly timeout: number },
  ) => Database
}

/** From Node 24 on: 22 has it, with a warning that it is experimental. */
const builtIn = Number.parseInt(process.versions.node, 10) >= 24

/**
 * Neither is an `import`: bundlers strip the `node:` that the one cannot do without, and the other
 * is not to load in vain.
 */
const load = (): Driver =>
  builtIn ? (process.getBuiltinModule("node:sqlite" as "node:fs") as unknown as Driver) : loadInstalled()

/** Optional, since Node 24 and later do without its 29 MB. */
const loadInstalled = (): Driver => {
  try {
    return createRequire(import.meta.url)("@photostructure/sqlite") as Driver
  } catch (cause) {
    const message = `SQLite on Node ${process.versions.node} needs the package @photostructure/sqlite, which is not installed or has no build for this machine: install without --omit=optional, or take Node 24 or later`
    throw new Error(message, { cause })
  }
}

/** The codes of what a query may fail with, by SQLite's fixed text for them (`sqlite3_errstr`). */
const codes: ReadonlyMap<string, number> = new Map([
  ["database is locked", 5],
  ["out of memory", 7],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
])

/** The package's `all`, unlike everything else there, leaves out SQLite's code when it fails. */
const withCodes = (statement: Statement): Statement => ({
  run: (...parameters) => statement.run(...parameters),
  get: (...parameters) => statement.get(...parameters),
  all: (...parameters) => {
    try {
      return statement.all(...parameters)
    } catch (error) {
      const errcode = error instanceof Error && !("errcode" in error) ? codes.get(error.message) : undefined
      throw errcode === undefined ? error : Object.assign(error as Error, { errcode })
    }
  },
})

/**
 * Opens a file with `node:sqlite`, or with the package that offers the same API where Node has none
 * yet.
 *
 * @param timeout how long to wait for another process's lock, in ms
 */
export const openDatabase = (path: string, readOnly: boolean, timeout: number): Database =>
  new (load().DatabaseSync)(path, { readOnly, timeout })

/**
 * Opens what stands in the file itself, without its write-ahead log and without any lock. What is
 * read of one that is being written to may be damaged.
 */
export const openAsItIs = (path: string): Database => {
  const url = pathToFileURL(path)
  url.searchParams.set("immutable", "1")
  return new (load().DatabaseSync)(url, { readOnly: true, timeout: 0 })
}

/**
 * The rows that a query has, its columns being given as a list of expressions. Nothing is prepared,
 * and so nothing left: a connection with statements prepared may outlive its closing, with its
 * locks.
 */
export const askOnce = (
  database: Database,
  columns: string,
  rest = "",
): ReadonlyArray<ReadonlyArray<Value>> => {
  const rows: Array<ReadonlyArray<Value>> = []
  database.function("tell", { varargs: true }, (...values) => {
    rows.push(values)
    return null
  })
  database.exec(`SELECT tell(${columns}) ${rest}`)
  return rows
}

export const prepare = (database: Database, sql: string): Statement =>
  builtIn ? database.prepare(sql) : withCodes(database.prepare(sql))
