import { askOnce, type Database, openAsItIs } from "./driver.ts"
import { applicationId } from "./schema.ts"

/**
 * Names of rows that stand among SQLite's own sequences: on a page that every append writes anyway.
 */
export const names = { commits: "commits", checkpointed: "checkpointed" } as const

/**
 * Says how old what stands in a file is, compared with its write-ahead log. The file alone is
 * behind what both say together; but never behind what the log was begun on, unless somebody has
 * put an earlier copy in its place.
 */
export interface Stamp {
  /** Raised by each append, and before the write-ahead log is brought into the file. */
  readonly commits: number
  /**
   * What {@link commits} of the file alone was, at the least, when its write-ahead log was last
   * brought into it whole.
   */
  readonly checkpointed: number
  /** SQLite's own count of changes of the schema, which making a compact copy raises too. */
  readonly schema: number
}

/**
 * `null` for what is no file of this store. One that an earlier version has made, and nobody has
 * opened since, is as old as can be.
 */
export const stampOf = (database: Database): Stamp | null => {
  const [[id, schema] = []] = askOnce(
    database,
    "application_id, schema_version",
    "FROM pragma_application_id, pragma_schema_version",
  )
  if (id !== applicationId) return null
  const rows = new Map(
    askOnce(database, "name, seq", "FROM sqlite_sequence").map(([name, seq]) => [name, seq]),
  )
  const sequenceOf = (name: string): number => Number(rows.get(name) ?? 0)
  return {
    commits: sequenceOf(names.commits),
    checkpointed: sequenceOf(names.checkpointed),
    schema: Number(schema),
  }
}

/**
 * Reads the stamp of the file alone, without its write-ahead log; `null` also for what cannot be
 * read.
 */
export const stampIn = (path: string): Stamp | null => {
  let database: Database | undefined
  try {
    database = openAsItIs(path)
    return stampOf(database)
  } catch {
    return null
  } finally {
    database?.close()
  }
}
