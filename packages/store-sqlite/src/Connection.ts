import { statSync } from "node:fs"
import { dirname } from "node:path"
import {
  askOnce,
  type Database,
  openDatabase,
  prepare,
  type Row,
  type Statement,
  type Value,
} from "./driver.ts"
import { corrupt, Refusal, unavailable } from "./errors.ts"
import { logPathOf } from "./FileMarks.ts"
import { isClaimed } from "./isClaimed.ts"
import { makeOwnFile } from "./ownFile.ts"
import { isOlderThanLog, putAside } from "./putAside.ts"
import { bindable, number } from "./row.ts"
import { applicationId, migrations } from "./schema.ts"
import { checkpointAfter, walLimit } from "./walLimits.ts"

export interface ConnectionOptions {
  readonly path: string
  /** How long to wait for another process's lock, in ms. */
  readonly busyTimeout: number
  /** For tests: a full disk is hard to come by. */
  readonly maxPages: number | null
}

/**
 * A commit is a sync of the write-ahead log (but see {@link Connection.sync}), so one that returned
 * survives a power cut (`fullfsync`: on macOS a plain sync does not reach the disk). How that log
 * comes into the file: see WriteAheadLog.
 *
 * No auto-vacuum: pages that trimming frees are used again by the next appends, so the file stays
 * as large as the log has ever been. Giving pages back would cost every append writes to the map of
 * pages.
 */
const writerPragmas = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA journal_size_limit = ${walLimit};
  PRAGMA cell_size_check = ON;
  PRAGMA trusted_schema = OFF;
`

/**
 * Page size of a file made anew, in bytes: what is appended goes to the disk page by page, each
 * with two calls of the system, and a group of small entries fills some 20 KB.
 */
export const pageSize = 16 * 1024

/** One connection to the file, with its statements prepared once. */
export class Connection {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()
  #syncs = true

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns how many rows it changed. */
  run(sql: string, ...parameters: ReadonlyArray<Value>): number {
    return Number(this.#statement(sql).run(...parameters.map(bindable)).changes)
  }

  get(sql: string, ...parameters: ReadonlyArray<Value>): Row | undefined {
    return this.#statement(sql).get(...parameters.map(bindable))
  }

  all(sql: string, ...parameters: ReadonlyArray<Value>): ReadonlyArray<Row> {
    return this.#statement(sql).all(...parameters.map(bindable))
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /**
   * IMMEDIATE for writing: a lock that cannot be had is known before anything is done. DEFERRED
   * reads one state of the file.
   */
  transaction<A>(mode: "IMMEDIATE" | "DEFERRED", body: () => A): A {
    this.run(`BEGIN ${mode}`)
    try {
      const result = body()
      this.run("COMMIT")
      return result
    } catch (error) {
      // After some errors SQLite has rolled back by itself.
      if (this.#database.isTransaction) this.exec("ROLLBACK")
      throw error
    }
  }

  /**
   * Whether commits from now on wait for a sync of the disk. Those that do not survive a crash of
   * the process, and a power cut from the next one on that does.
   */
  sync(isOn: boolean): void {
    if (isOn === this.#syncs) return
    this.exec(`PRAGMA synchronous = ${isOn ? "FULL" : "NORMAL"}`)
    this.#syncs = isOn
  }

  /** SQLite's count of changes of the schema. */
  get schemaVersion(): number {
    return number(this.get("PRAGMA schema_version") ?? {}, "schema_version")
  }

  close(): void {
    this.#database.close()
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const prepared = prepare(this.#database, sql)
    this.#statements.set(sql, prepared)
    return prepared
  }
}

/**
 * Why a path leads to no file: SQLite says the same of all of these, "unable to open database
 * file".
 */
const checkPath = (path: string): { readonly exists: boolean } => {
  const directory = dirname(path)
  const [parent, found] = [directory, path].map((one) => {
    try {
      return statSync(one, { throwIfNoEntry: false })
    } catch (error) {
      throw unavailable(`${path}: ${error instanceof Error ? error.message : "cannot be reached"}`)
    }
  })
  if (parent === undefined) throw unavailable(`${path}: the directory ${directory} does not exist`)
  if (!parent.isDirectory()) throw unavailable(`${path}: ${directory} is not a directory`)
  if (found?.isDirectory()) throw unavailable(`${path} is a directory`)
  const size = found?.size ?? 0
  // SQLite takes what is shorter than its shortest page for empty, and writes over it.
  if (size > 0 && size < 512) throw corrupt(`${path}: not a SQLite database`)
  return { exists: size > 0 }
}

/** The version of our schema in the file, 0 in an empty one. Refuses any other file. */
const versionIn = (database: Database, path: string): number => {
  const [[owner, version, tables] = []] = askOnce(
    database,
    "application_id, user_version, (SELECT count(*) FROM sqlite_schema)",
    "FROM pragma_application_id, pragma_user_version",
  )
  if (owner !== applicationId) {
    if (owner !== 0 || version !== 0 || tables !== 0) {
      throw corrupt(`${path} is a database of another program`)
    }
    return 0
  }
  if (typeof version !== "number" || version > migrations.length) {
    throw new Refusal(
      { _tag: "Incompatible" },
      `${path} was written by a newer version (schema ${version}; this one knows ${migrations.length})`,
    )
  }
  return version
}

const closingOnError = <A>(connection: Connection, body: () => A): A => {
  try {
    return body()
  } catch (error) {
    connection.close()
    throw error
  }
}

export const openReader = ({ path, busyTimeout }: ConnectionOptions): Connection =>
  new Connection(openDatabase(path, true, busyTimeout))

/**
 * Looked at without the right to write: as little as closing would bring another program's
 * write-ahead log into its file. (Reading the header by hand would drop the locks that this process
 * has on the file: POSIX locks work that way.)
 */
const checkExisting = ({ path, busyTimeout }: ConnectionOptions): void => {
  const database = openDatabase(path, true, busyTimeout)
  try {
    versionIn(database, path)
  } finally {
    database.close()
  }
}

/**
 * An earlier copy that was put in the place of the file, and the write-ahead log left beside it, as
 * after a crash. Returns where that is now.
 */
const separate = (path: string): string | null => {
  const logPath = logPathOf(path)
  if (!isOlderThanLog(path, logPath)) return null
  if (isClaimed(path)) {
    throw unavailable(`an earlier copy has been written into ${path} while another process delivers from it`)
  }
  return putAside(logPath)
}

/**
 * Opens the file for writing, making it or bringing it up to the present schema. A file that is not
 * ours is not changed.
 *
 * @param onPutAside told where a write-ahead log was put that is not the file's
 */
export const openWriter = (options: ConnectionOptions, onPutAside: (aside: string) => void): Connection => {
  const { path, busyTimeout, maxPages } = options
  if (checkPath(path).exists) {
    checkExisting(options)
    const aside = separate(path)
    if (aside !== null) onPutAside(aside)
  }
  makeOwnFile(path)
  const database = openDatabase(path, false, busyTimeout)
  const connection = new Connection(database)
  return closingOnError(connection, () => {
    connection.exec(`PRAGMA page_size = ${pageSize}`)
    const mode = connection.get("PRAGMA journal_mode = WAL")
    if (mode?.journal_mode !== "wal") throw unavailable(`${path}: no write-ahead log on this file system`)
    connection.exec(writerPragmas)
    const { page_size } = connection.get("PRAGMA page_size") ?? {}
    connection.exec(`PRAGMA wal_autocheckpoint = ${checkpointAfter / (Number(page_size) || pageSize)}`)
    if (maxPages !== null) connection.exec(`PRAGMA max_page_count = ${maxPages}`)
    // Also with nothing to migrate: a file that cannot be written to is to be known now.
    const isMigrated = connection.transaction("IMMEDIATE", () => {
      const version = versionIn(database, path)
      if (version === migrations.length) return false
      for (const migration of migrations.slice(version)) connection.exec(migration)
      connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
      return true
    })
    // From then on the file alone says whose it is, and how old.
    if (isMigrated) connection.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    return connection
  })
}
