import { execFileSync } from "node:child_process"
import { DatabaseSync } from "@photostructure/sqlite"

/** The pages of a table's tree that hold rows, in order, by what SQLite itself says of the file. */
export const leavesOf = (path: string, table: string): ReadonlyArray<number> => {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(table)
    return rows.map((row) => Number((row as { readonly pageno: number }).pageno))
  } finally {
    database.close()
  }
}

/**
 * Writes random bytes over pages, by another process: closing the file here would drop locks on it.
 */
export const overwrite = (path: string, pages: ReadonlyArray<number>): void => {
  const program = `
    const fs = require("fs"), [, path, ...pages] = process.argv, file = fs.openSync(path, "r+")
    for (const page of pages) fs.writeSync(file, require("crypto").randomBytes(16384), 0, 16384, (page - 1) * 16384)`
  execFileSync(process.execPath, ["-e", program, path, ...pages.map(String)])
}
