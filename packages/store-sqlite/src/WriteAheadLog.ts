import { statSync } from "node:fs"
import type { Connection } from "./Connection.ts"
import { isFull } from "./errors.ts"
import { number } from "./row.ts"
import { walLimit } from "./walLimits.ts"

/** In bytes: what is brought into the file while nobody waits for it takes two milliseconds then. Less of it would save few of them, and cost a sync of the file each time. */
const enough = 1024 * 1024

/** Of the pages that an append changes beside those it fills: an end of a table, a sequence, a table's root. In bytes. */
const changedBeside = 48 * 1024

/** Of what the other transactions change, which is a cursor's page most often. In bytes. */
const changedElse = 16 * 1024

/** How long a checkpoint, and with it the next append, waits for readers, in ms: our own are done sooner. */
const patience = 200

/**
 * Keeps the write-ahead log short: it is brought into the file in small pieces, between commits. SQLite alone would do it within every hundredth commit or so, whose
 * senders then wait for all of it.
 *
 * SQLite begins it anew only when nobody reads from it at that moment, which under steady reading may never be: past the limit, the readers of the moment are waited for.
 */
export class WriteAheadLog {
  readonly #connection: Connection
  readonly #path: string
  readonly #busyTimeout: number
  /** About how much has been written to it since it was brought into the file, in bytes. */
  #written = 0
  /** Its size when somebody read from it for longer than we wait: not tried again until it is twice as long. */
  #givenUpAt = 0

  constructor(connection: Connection, path: string, busyTimeout: number) {
    this.#connection = connection
    this.#path = `${path}-wal`
    this.#busyTimeout = busyTimeout
  }

  /**
   * To be called after a commit, when those who wait for it have been answered.
   *
   * @param appended how many bytes of entries it has stored
   * @returns whether the disk has had room for it
   */
  shorten(appended: number): boolean {
    this.#written += appended === 0 ? changedElse : appended + changedBeside
    if (this.#written < enough) return true
    const hadRoom = this.#checkpoint()
    const { size } = this
    if (size < this.#givenUpAt) this.#givenUpAt = 0
    if (size > Math.max(walLimit, 2 * this.#givenUpAt)) {
      this.#givenUpAt = this.#bringIn("TRUNCATE") ? 0 : size
    }
    return hadRoom
  }

  /** What it takes on the disk, in bytes: also of what is in the file already, and will be written over. */
  get size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Brings all of it into the file: it has been removed, and lives on only as long as it is open here. Says whether that has worked. */
  rescue(): boolean {
    return this.#bringIn("TRUNCATE")
  }

  /** Brings all of it into the file, so that it is written from its beginning again: a full disk has no other place. */
  begin(): void {
    this.#bringIn("RESTART")
  }

  /** As much as can be brought into the file without waiting for anybody. Says whether the disk has had room for it. */
  #checkpoint(): boolean {
    this.#written = 0
    try {
      this.#connection.get("PRAGMA wal_checkpoint(PASSIVE)")
      return true
    } catch (error) {
      // What has been committed stays where it is.
      return !isFull(error)
    }
  }

  /** Whether it has been brought into the file whole. */
  #bringIn(how: "RESTART" | "TRUNCATE"): boolean {
    this.#connection.exec(`PRAGMA busy_timeout = ${patience}`)
    try {
      const outcome = this.#connection.get(`PRAGMA wal_checkpoint(${how})`)
      return outcome !== undefined && number(outcome, "busy") === 0
    } catch {
      // A disk without room for it: what has been committed stays where it is.
      return false
    } finally {
      this.#connection.exec(`PRAGMA busy_timeout = ${this.#busyTimeout}`)
    }
  }
}
