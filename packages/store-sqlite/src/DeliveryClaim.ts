import { realpathSync } from "node:fs"
import { hostname } from "node:os"
import { type Database, openDatabase } from "./driver.ts"
import { unavailable } from "./errors.ts"
import { isBusy } from "./isInUse.ts"
import { makeOwnFile } from "./ownFile.ts"
import { number, text } from "./row.ts"

/** The process that delivers from a file. */
interface Owner {
  readonly pid: number
  readonly host: string
  /** In ms since the epoch. */
  readonly since: number
}

const ownerIn = (database: Database): Owner | null => {
  const row = database.prepare("SELECT * FROM owner").get()
  return row === undefined
    ? null
    : { pid: number(row, "pid"), host: text(row, "host"), since: number(row, "since") }
}

/** While another one is at writing, it is not known who. */
const nameIn = (database: Database): string => {
  try {
    const owner = ownerIn(database)
    if (owner === null) return "another process"
    const { pid, host, since } = owner
    return `process ${pid} on ${host}, since ${new Date(since).toISOString()}`
  } catch {
    return "another process"
  }
}

const isSame = (one: Owner | null, other: Owner): boolean =>
  one?.pid === other.pid && one.host === other.host && one.since === other.since

const take = (database: Database, own: Owner): void => {
  for (;;) {
    database.exec("BEGIN IMMEDIATE")
    database.exec("CREATE TABLE IF NOT EXISTS owner (pid INTEGER, host TEXT, since INTEGER)")
    if (isSame(ownerIn(database), own)) return
    database.exec("DELETE FROM owner")
    database.prepare("INSERT INTO owner VALUES (?, ?, ?)").run(own.pid, own.host, own.since)
    // To be read by others it has to be committed, which ends the lock: it is taken again, by whoever comes first.
    database.exec("COMMIT")
  }
}

/**
 * Claims the right to deliver from a file, for as long as this process lives or until the claim is let go: a transaction held open on a file beside it, so
 * a lock of the operating system, which ends with its process however that ends. Who has it can be read in it meanwhile.
 *
 * That file stays: were it removed, one process could have a lock on the removed one, and another on its successor.
 *
 * @returns lets go of it
 */
export const claimDelivery = (path: string, now: number): (() => void) => {
  const own: Owner = { pid: process.pid, host: hostname(), since: now }
  let database: Database | undefined
  try {
    // By whatever links it is reached.
    const beside = `${realpathSync(path)}-owner`
    makeOwnFile(beside)
    database = openDatabase(beside, false, 0)
    // Of a power cut nothing here has to survive.
    database.exec("PRAGMA synchronous = OFF")
    take(database, own)
    const taken = database
    return () => {
      // A connection with statements prepared may outlive its closing, with its locks.
      taken.exec("ROLLBACK")
      taken.close()
    }
  } catch (error) {
    const owner = isBusy(error) && database !== undefined ? nameIn(database) : null
    database?.close()
    throw owner === null
      ? error
      : unavailable(
          `${path} is in use: ${owner}, delivers from it, and one process at a time can; stop that one first`,
        )
  }
}
