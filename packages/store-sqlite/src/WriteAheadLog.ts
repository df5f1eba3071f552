import { statSync } from "node:fs"
import type { Connection, ConnectionOptions } from "./Connection.ts"
import { isFull } from "./errors.ts"
import type { FileIdentity } from "./FileIdentity.ts"
import { number } from "./row.ts"
import type { Stamping } from "./Stamping.ts"
import { walLimit } from "./walLimits.ts"

/**
 * In bytes: what is brought into the file while nobody waits for it takes two milliseconds then.
 * Less of it would save few of them, and cost a sync of the file each time.
 */
const enough = 1024 * 1024

/**
 * Bytes of the pages that an append changes beside those it fills: an end of a table, a sequence, a
 * table's root. In bytes.
 */
const changedBeside = 48 * 1024

/** Bytes that the other transactions change, which is a cursor's page most often. In bytes. */
const changedElse = 16 * 1024

/**
 * How long a checkpoint, and with it the next append, waits for readers, in ms: our own are done
 * sooner.
 */
const patience = 200

/**
 * As SQLite has them: as far as that goes without waiting; whole, and begun from its beginning; the
 * same, and made empty.
 */
type Mode = "PASSIVE" | "RESTART" | "TRUNCATE"

/**
 * Keeps the write-ahead log short: it is brought into the file in small pieces, between commits.
 * SQLite alone would do it within every hundredth commit or so, whose senders then wait for all of
 * it.
 *
 * SQLite begins it anew only when nobody reads from it at that moment, which under steady reading
 * may never be: past the limit, the readers of the moment are waited for.
 */
export class WriteAheadLog {
  readonly #connection: Connection
  readonly #file: FileIdentity
  readonly #stamping: Stamping
  readonly #path: string
  readonly #busyTimeout: number
  /** About how much has been written to it since it was brought into the file, in bytes. */
  #written = 0
  /**
   * Its size when somebody read from it for longer than we wait: not tried again until it is twice
   * as long.
   */
  #givenUpAt = 0

  constructor(
    connection: Connection,
    of: { readonly file: FileIdentity; readonly stamping: Stamping },
    options: Pick<ConnectionOptions, "path" | "busyTimeout">,
  ) {
    this.#connection = connection
    this.#file = of.file
    this.#stamping = of.stamping
    this.#path = `${options.path}-wal`
    this.#busyTimeout = options.busyTimeout
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
    this.#written = 0
    // As much as can be brought into the file without waiting for anybody.
    const outcome = this.#bringIn("PASSIVE")
    const { size } = this
    if (size < this.#givenUpAt) this.#givenUpAt = 0
    if (size > Math.max(walLimit, 2 * this.#givenUpAt)) {
      const isEmpty = this.#waiting(() => this.#bringIn("TRUNCATE")) === "whole"
      this.#givenUpAt = isEmpty ? 0 : size
    }
    return outcome !== "no room"
  }

  /**
   * What it takes on the disk, in bytes: also of what is in the file already, and will be written
   * over.
   */
  get size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }

  /**
   * Brings all of it into the file: it has been removed, and lives on only as long as it is open
   * here. Says whether that has worked.
   */
  rescue(): boolean {
    try {
      return this.#waiting(() => this.#isWhole("TRUNCATE"))
    } catch {
      // A disk without room for it.
      return false
    }
  }

  /**
   * Brings all of it into the file, so that it is written from its beginning again: a full disk has
   * no other place.
   */
  begin(): void {
    this.#waiting(() => this.#bringIn("RESTART"))
  }

  /**
   * Begins it anew after the disk has failed to write or sync: what a sync left out no later one
   * makes up for, so that a power cut could take what is written behind it. Says whether all that
   * it held is in the file.
   */
  renew(): boolean {
    return this.#waiting(() => this.#bringIn("TRUNCATE")) === "whole"
  }

  /** How long readers are waited for. */
  #waiting<A>(body: () => A): A {
    this.#connection.exec(`PRAGMA busy_timeout = ${patience}`)
    try {
      return body()
    } finally {
      this.#connection.exec(`PRAGMA busy_timeout = ${this.#busyTimeout}`)
    }
  }

  /** Not into a file that somebody has put another one into. */
  #bringIn(mode: Mode): "whole" | "part" | "no room" {
    if (this.#file.find() !== null) return "part"
    let commits = 0
    let outcome: "whole" | "part" | "no room" = "part"
    try {
      commits = this.#stamping.raise()
      outcome = this.#isWhole(mode) ? "whole" : "part"
    } catch (error) {
      // What has been committed stays where it is.
      if (isFull(error)) outcome = "no room"
    }
    if (outcome === "whole") this.#stamping.broughtIn(commits)
    this.#file.checkpointed(outcome === "whole" ? commits : null)
    return outcome
  }

  #isWhole(mode: Mode): boolean {
    const outcome = this.#connection.get(`PRAGMA wal_checkpoint(${mode})`) ?? {}
    return number(outcome, "busy") === 0 && number(outcome, "log") === number(outcome, "checkpointed")
  }
}
