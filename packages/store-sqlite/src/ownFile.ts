import { closeSync, openSync, statSync } from "node:fs"

/**
 * Events hold personal data, and destinations secrets: they are for this program's user alone.
 * SQLite gives its companions the mode of the file.
 */
export const ownMode = 0o600

/** What others may do with a file. */
const othersMode = 0o077

const isExisting = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EEXIST"

/**
 * Makes an empty file that only this user can read, unless there is one. One that is there is never
 * opened: closing it would drop the locks that this process has on it (POSIX locks work that way).
 */
export const makeOwnFile = (path: string): void => {
  try {
    closeSync(openSync(path, "wx", ownMode))
  } catch (error) {
    // What else is wrong SQLite says of the file itself.
    if (!isExisting(error)) return
  }
}

/**
 * The mode of a file that others than its user can reach, as `ls` has it in octal; `null` for one
 * that is the user's own, and where there are no modes.
 */
export const tooWideMode = (path: string): string | null => {
  if (process.platform === "win32") return null
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || (found.mode & othersMode) === 0) return null
  return (found.mode & 0o777).toString(8).padStart(4, "0")
}
