import { existsSync, realpathSync } from "node:fs"
import { type Database, openDatabase } from "./driver.ts"
import { isBusy } from "./isInUse.ts"

/**
 * The file that is locked by whoever delivers from a store, by whatever links the store's file is
 * reached.
 */
export const ownerPath = (path: string): string => `${realpathSync(path)}-owner`

/** Whether somebody delivers from a store, as far as that can be told from outside. */
export const isClaimed = (path: string): boolean => {
  const beside = ownerPath(path)
  if (!existsSync(beside)) return false
  let database: Database | undefined
  try {
    database = openDatabase(beside, false, 0)
    database.exec("BEGIN IMMEDIATE; ROLLBACK")
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}
