import { existsSync, renameSync, rmSync, statSync } from "node:fs"
import { type Database, openDatabase } from "./driver.ts"
import { stampIn, stampOf } from "./stamp.ts"

/**
 * Puts a write-ahead log aside that is another file's than the one it stands beside: it would be
 * brought into that. What it holds can still be salvaged, so it is kept, in the place of one that
 * was put aside before. The index of it goes: whoever has it open does not work on this file.
 *
 * @returns where it is now
 */
export const putAside = (logPath: string): string => {
  const aside = `${logPath}-replaced`
  renameSync(logPath, aside)
  rmSync(logPath.replace(/-wal$/, "-shm"), { force: true })
  return aside
}

/**
 * Whether a file alone and its write-ahead log do not belong together: an earlier copy of the file
 * has been put in its place, and the log left. Applied to it, the log would make a mixture of both.
 * The log adds to what the file was when the log was begun: the file alone is not older than that,
 * and its schema not newer than with the log. A compact copy is found by its schema, which counts
 * as changed once more, and another by its age; one that the log still brings up to date is as good
 * as the original.
 */
export const isOlderThanLog = (path: string, logPath: string): boolean => {
  if (!existsSync(logPath) || statSync(logPath).size === 0) return false
  const alone = stampIn(path)
  let database: Database | undefined
  try {
    database = openDatabase(path, true, 0)
    const together = stampOf(database)
    if (alone === null || together === null) return false
    return together.checkpointed > alone.commits || alone.schema > together.schema
  } catch {
    // What is damaged, or locked, is found out when it is opened.
    return false
  } finally {
    database?.close()
  }
}
