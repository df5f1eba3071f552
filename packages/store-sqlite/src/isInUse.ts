import { type Database, openDatabase } from "./driver.ts"

const busy = 5

export const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === busy

/**
 * Whether another connection, of any process, has a file of this store open: for tools that must not change what somebody works on. What cannot be opened is in
 * nobody's use.
 */
export const isInUse = (path: string): boolean => {
  let database: Database | undefined
  try {
    database = openDatabase(path, false, 0)
    // With a write-ahead log every open connection holds a shared lock, which an exclusive one does not get past.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK")
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}
