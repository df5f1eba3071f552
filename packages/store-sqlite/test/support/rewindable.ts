import { execFileSync } from "node:child_process"
import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { RewindablePlace } from "@millrace/testkit"
import { type Database, openDatabase } from "../../src/driver.ts"
import { layer } from "../../src/index.ts"

const using = (path: string, body: (database: Database) => void): void => {
  const database = openDatabase(path, false, 5_000)
  try {
    body(database)
  } finally {
    database.close()
  }
}

/** Puts what a copy holds into the file, in one transaction, as SQLite's own `.restore` does. */
const throughSqlite = (path: string, copy: string): void =>
  using(path, (database) => {
    database.exec(`ATTACH '${copy}' AS kept; BEGIN IMMEDIATE`)
    // What counts dead letters last: it has been changed by triggers.
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name = 'dead_letter_totals'")
      .all()
      .map(({ name }) => String(name))
    for (const table of tables) {
      database.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM kept.${table}`)
    }
    database.exec("COMMIT")
  })

const byRename = (path: string, copy: string): void => {
  copyFileSync(copy, `${path}-new`)
  renameSync(`${path}-new`, path)
}

/** By another process: closing the file here would drop the locks that this process has on it. */
const inPlace = (path: string, copy: string): void => {
  execFileSync("cp", [copy, path])
}

const placeBy = (comeBack: (path: string, copy: string) => void) => (): RewindablePlace => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"))
  const path = join(directory, "millrace.db")
  const copy = join(directory, "copy.db")
  return {
    open: (options) => layer({ path, ...options }),
    keep: () => {
      rmSync(copy, { force: true })
      using(path, (database) => database.exec(`VACUUM INTO '${copy}'`))
    },
    comeBack: () => comeBack(path, copy),
    remove: () => rmSync(directory, { recursive: true }),
  }
}

/**
 * A file with an earlier copy of it put back under the feet of whoever has it open, by the way in
 * which that is done.
 */
export const rewindablePlaces = {
  "through SQLite": placeBy(throughSqlite),
  "by a rename": placeBy(byRename),
  "written over in place": placeBy(inPlace),
}
