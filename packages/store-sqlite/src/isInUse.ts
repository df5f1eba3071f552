import { type Database, openDatabase } from "./driver.ts"
import { logPathOf } from "./FileMarks.ts"
import { isOlderThanLog } from "./putAside.ts"

const busy = 5

export const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === busy

/**
 * Whether another connection, of any process, has a file of this store open: for tools that must
 * not change what somebody works on. What cannot be opened is in nobody's use.
 */
export const isInUse = (path: string): boolean => {
  let database: Database | undefined
  try {
    // The last connection to be closed brings the write-ahead log into the file, which that would
    // be the end of.
    if (isOlderThanLog(path, logPathOf(path))) return false
    database = openDatabase(path, false, 0)
    // With a write-ahead log every open connection holds a shared lock, which an exclusive one does
    // not get past.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK")
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}
