import { statSync } from "node:fs"
import type { Connection } from "./Connection.ts"
import { number } from "./row.ts"

/** Four times what SQLite lets it grow to when nothing is in the way. */
export const walLimit = 16 * 1024 * 1024

/** How long a checkpoint, and with it the next append, waits for readers, in ms: our own are done sooner. */
const patience = 200

/**
 * Keeps the write-ahead log short. SQLite begins it anew only when nobody reads from it at that moment, which under steady
 * reading may never be: past the limit, the readers of the moment are waited for.
 */
export class WriteAheadLog {
  readonly #connection: Connection
  readonly #path: string
  readonly #busyTimeout: number
  /** Its size when somebody read from it for longer than we wait: not tried again until it is twice as long. */
  #givenUpAt = 0

  constructor(connection: Connection, path: string, busyTimeout: number) {
    this.#connection = connection
    this.#path = `${path}-wal`
    this.#busyTimeout = busyTimeout
  }

  /** To be called after a commit, when those who wait for it have been answered. */
  shorten(): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (size < this.#givenUpAt) this.#givenUpAt = 0
    if (size > Math.max(walLimit, 2 * this.#givenUpAt)) this.#givenUpAt = this.#truncate() ? 0 : size
  }

  /** Whether it has been brought into the file whole. */
  #truncate(): boolean {
    this.#connection.exec(`PRAGMA busy_timeout = ${patience}`)
    try {
      const outcome = this.#connection.get("PRAGMA wal_checkpoint(TRUNCATE)")
      return outcome !== undefined && number(outcome, "busy") === 0
    } catch {
      // A disk without room for it: what has been committed stays where it is.
      return false
    } finally {
      this.#connection.exec(`PRAGMA busy_timeout = ${this.#busyTimeout}`)
    }
  }
}
