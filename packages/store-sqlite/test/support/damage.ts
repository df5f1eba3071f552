import { execFileSync } from "node:child_process"
import { openDatabase } from "../../src/driver.ts"

/** The leaves of a table's tree, in order, by what SQLite itself says of the file. */
export const leavesOf = (path: string, table: string): ReadonlyArray<number> => {
  const database = openDatabase(path, true, 5_000)
  try {
    return database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(table)
      .map(({ pageno }) => Number(pageno))
  } finally {
    database.close()
  }
}

const program = `
  const fs = require("fs")
  const [, path, size, ...pages] = process.argv
  const file = fs.openSync(path, "r+")
  for (const page of pages) {
    fs.writeSync(file, require("crypto").randomBytes(Number(size)), 0, Number(size), (page - 1) * size)
  }`

/** By another process: closing the file here would drop the locks that this one has on it. */
export const overwrite = (path: string, pages: ReadonlyArray<number>, size = 16 * 1024): void => {
  execFileSync(process.execPath, ["-e", program, path, String(size), ...pages.map(String)])
}
