import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Sqlite from "@millrace/store-sqlite"
import { driver } from "../driver.ts"
import { type Contestant, contestantOn, levelOf, type Pair } from "./Contestant.ts"
import { groupCommit } from "./groupCommit.ts"

const folder = (): string => mkdtempSync(join(tmpdir(), "millrace-bench-"))

const remove = async (directory: string): Promise<void> => rmSync(directory, { recursive: true, force: true })

const millrace = (): Promise<Contestant> => {
  const directory = folder()
  return contestantOn(Sqlite.layer({ path: join(directory, "events.db") }), () => remove(directory))
}

/**
 * Writes all that wait in one transaction, in the calling thread, which stands still meanwhile.
 * Nothing is copied, and nothing goes to another thread and back.
 */
const bare = async (): Promise<Contestant> => {
  const directory = folder()
  const database = new driver.DatabaseSync(join(directory, "events.db"))
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE entries (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      appended_at INTEGER NOT NULL,
      events INTEGER NOT NULL,
      total_events INTEGER NOT NULL,
      total_bytes INTEGER NOT NULL,
      id TEXT NOT NULL,
      envelope TEXT NOT NULL,
      body BLOB NOT NULL
    )`)
  const insert = database.prepare(
    `INSERT INTO entries (appended_at, events, total_events, total_bytes, id, envelope, body)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  let allEvents = 0
  let allBytes = 0
  return {
    append: groupCommit(async (entries) => {
      const now = Date.now()
      database.exec("BEGIN IMMEDIATE")
      for (const { id, events, envelope, body } of entries) {
        allEvents += events
        allBytes += envelope.length + body.byteLength
        insert.run(now, events, allEvents, allBytes, id, envelope, body)
      }
      database.exec("COMMIT")
    }, 1),
    close: () => {
      database.close()
      return remove(directory)
    },
  }
}

export const sqlite = async (): Promise<Pair> => {
  const database = new driver.DatabaseSync(":memory:")
  const version = database.prepare("SELECT sqlite_version() AS version").get()?.["version"]
  database.close()
  const directory = folder()
  const level = await levelOf(Sqlite.layer({ path: join(directory, "events.db") }))
  await remove(directory)
  return {
    server: `SQLite ${version}, WAL, synchronous=FULL`,
    level,
    description:
      "an INSERT an entry of the same columns, one transaction for those in flight, in the calling thread",
    millrace,
    bare,
    close: async () => {},
  }
}
