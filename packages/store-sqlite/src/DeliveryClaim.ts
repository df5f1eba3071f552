import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs"
import { hostname } from "node:os"
import { type Database, openDatabase } from "./driver.ts"
import { unavailable } from "./errors.ts"
import { ownerPath } from "./isClaimed.ts"
import { isBusy, isInUse } from "./isInUse.ts"
import { isOpenHere } from "./NewestEntries.ts"
import { makeOwnFile } from "./ownFile.ts"
import { number, text } from "./row.ts"
import { applicationId } from "./schema.ts"

/** The process that delivers from a file. */
interface Owner {
  readonly pid: number
  readonly host: string
  /** In ms since the epoch. */
  readonly since: number
}

/** The right to deliver from a file. */
export interface Claim {
  /** Looks whether the lock still is on the file that others find, and takes it anew if not. */
  readonly look: () => void
  readonly letGo: () => void
}

/** A lock, and the file that it is on. */
interface Held {
  readonly database: Database
  readonly file: string | null
}

/** How often to look whether the lock still is on the file that others find, in ms. */
export const lookEvery = 500

const identityOf = (path: string): string | null => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
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

const lock = (database: Database, own: Owner): void => {
  for (;;) {
    database.exec("BEGIN IMMEDIATE")
    database.exec("CREATE TABLE IF NOT EXISTS owner (pid INTEGER, host TEXT, since INTEGER)")
    if (isSame(ownerIn(database), own)) return
    database.exec("DELETE FROM owner")
    database.prepare("INSERT INTO owner VALUES (?, ?, ?)").run(own.pid, own.host, own.since)
    // To be read by others it has to be committed, which ends the lock: it is taken again, by
    // whoever comes first.
    database.exec("COMMIT")
  }
}

const take = (path: string, beside: string, own: Owner): Held => {
  let database: Database | undefined
  try {
    database = openDatabase(beside, false, 0)
    // Nothing in it has to survive a power cut.
    database.exec("PRAGMA synchronous = OFF")
    lock(database, own)
    return { database, file: identityOf(beside) }
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

const letGo = ({ database }: Held): void => {
  // A connection with statements prepared may outlive its closing, with its locks.
  database.exec("ROLLBACK")
  database.close()
}

/** Where a database's header has whose it is. */
const idAt = 68

/**
 * By hand, since another program's file may not even be opened for writing. Closing it drops the
 * locks that this process has on it: not while it is open here.
 */
const isOurs = (path: string): boolean => {
  const file = openSync(path, "r")
  try {
    const id = Buffer.alloc(4)
    readSync(file, id, 0, id.length, idAt)
    return id.readUInt32BE() === applicationId
  } finally {
    closeSync(file)
  }
}

/**
 * Whether the file that is locked by whoever delivers may be made if it is not there. Where others
 * have the store open and it is not there, it has been removed, perhaps from under the one that
 * delivers. To be asked before the store is opened here.
 */
export const isUnclaimed = (path: string): boolean => {
  try {
    return existsSync(ownerPath(path)) || !(isOpenHere(path) || (isOurs(path) && isInUse(path)))
  } catch {
    // A path that leads nowhere: nobody has that open.
    return true
  }
}

/** Makes that file, when the store has been opened. */
export const makeClaimable = (path: string): void => makeOwnFile(ownerPath(path))

/**
 * Claims the right to deliver from a file, for as long as this process lives or until the claim is
 * let go: a transaction held open on a file beside it, so a lock of the operating system, which
 * ends with its process however that ends. Its owner can be read in it meanwhile.
 *
 * That file stays: were it removed, one process could have a lock on the removed one, and another
 * on its successor. If somebody else removes or replaces it, the lock is taken anew on the one that
 * others find; until then they find none, and may not make one, since the store is open.
 */
export const claimDelivery = (path: string, now: number): Claim => {
  const own: Owner = { pid: process.pid, host: hostname(), since: now }
  const beside = ownerPath(path)
  if (!existsSync(beside)) {
    throw unavailable(
      `${path} is in use: another process has it open and may deliver from it, though ${beside} has been removed; stop that one first`,
    )
  }
  let held = take(path, beside, own)
  const look = (): void => {
    if (identityOf(beside) === held.file) return
    try {
      makeOwnFile(beside)
      const renewed = take(path, beside, own)
      letGo(held)
      held = renewed
    } catch {
      // Whoever has it now takes the lanes over, and says so; it is asked for again.
    }
  }
  return { look, letGo: () => letGo(held) }
}
