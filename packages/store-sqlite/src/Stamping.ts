import type { Connection } from "./Connection.ts"
import { number } from "./row.ts"
import { migrations } from "./schema.ts"
import { names } from "./stamp.ts"

const raise = `UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = '${names.commits}'`

/**
 * Keeps the stamp of a file, see stamp.ts, with as few writes as may be: most of it is written with
 * what is appended.
 */
export class Stamping {
  readonly #connection: Connection
  /**
   * What is to be written with the next transaction: how old the file alone is since its
   * write-ahead log was brought into it.
   */
  #due: number | null
  /** Something has been written since the stamp was raised. */
  #isBehind = false

  /** @param commits how old the file alone is, at the least */
  constructor(connection: Connection, commits: number) {
    this.#connection = connection
    this.#due = commits
  }

  /** In each transaction. */
  write(isAppending: boolean): void {
    if (isAppending) this.#connection.run(raise)
    if (this.#due === null) return
    this.#connection.run(
      `UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = '${names.checkpointed}'`,
      this.#due,
    )
    // Into the log, too, comes the page that says which schema it was begun on.
    this.#connection.exec(`PRAGMA user_version = ${migrations.length}`)
  }

  /** When it has been committed. */
  committed(isAppending: boolean): void {
    this.#isBehind = !isAppending
    this.#due = null
  }

  /**
   * Before the write-ahead log is brought into the file. Returns what the stamp of the file alone
   * will be then, at the least.
   */
  raise(): number {
    if (this.#isBehind) {
      try {
        this.#connection.sync(false)
        this.#connection.transaction("IMMEDIATE", () => this.#connection.run(raise))
        this.#isBehind = false
      } catch {
        // A full disk has room for nothing before the log has been brought into the file. An
        // earlier copy is then told apart by what was appended, if not by what was written besides.
      }
    }
    const row = this.#connection.get(`SELECT seq FROM sqlite_sequence WHERE name = '${names.commits}'`)
    return number(row ?? {}, "seq")
  }

  /** The file alone is as old as that: all of the write-ahead log is in it. */
  broughtIn(commits: number): void {
    this.#due = commits
  }
}
