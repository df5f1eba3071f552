import { realpathSync, statSync } from "node:fs"
import { unavailable } from "./errors.ts"

interface Identity {
  readonly dev: number
  readonly ino: number
}

const identityOf = (path: string): Identity | undefined => statSync(path, { throwIfNoEntry: false })

const isSame = (one: Identity | undefined, other: Identity | undefined): boolean =>
  one?.dev === other?.dev && one?.ino === other?.ino

/**
 * Tells whether the path still leads to the file that was opened, and its write-ahead log to the one that is written. When somebody has moved or deleted one
 * of them, writes go on without an error into a file that nobody will find again, so nothing may be acknowledged then.
 *
 * To be made while a connection is open, which keeps the write-ahead log where it is.
 */
export class FileIdentity {
  readonly #path: string
  readonly #opened: Identity | undefined
  readonly #logPath: string
  readonly #openedLog: Identity | undefined
  /** The last {@link check} did not find what was opened. */
  #isMissed = false

  constructor(path: string) {
    this.#path = path
    this.#opened = identityOf(path)
    // SQLite has it beside the file that links lead to.
    this.#logPath = `${realpathSync(path)}-wal`
    this.#openedLog = identityOf(this.#logPath)
  }

  /** Throws when what was written may be where nobody will find it: to be asked after each commit, before anybody is told of it. */
  check(): void {
    this.#isMissed = true
    if (!isSame(identityOf(this.#path), this.#opened)) {
      throw unavailable(`${this.#path} has been moved, deleted or replaced while it was open`)
    }
    if (!isSame(identityOf(this.#logPath), this.#openedLog)) {
      throw unavailable(
        `${this.#logPath} has been moved, deleted or replaced while it was open: stop the process that has it open, by SIGTERM`,
      )
    }
    this.#isMissed = false
  }

  /**
   * Looks again before anything is written where the last look has failed: whoever has begun another file at the path may have the write-ahead log
   * in common with this one.
   */
  checkIfMissed(): void {
    if (this.#isMissed) this.check()
  }

  /** The file is the one that was opened, its write-ahead log is gone, and nobody has begun another. */
  hasLostLog(): boolean {
    return (
      this.#openedLog !== undefined &&
      isSame(identityOf(this.#path), this.#opened) &&
      identityOf(this.#logPath) === undefined
    )
  }
}
