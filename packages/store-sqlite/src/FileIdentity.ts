import { realpathSync, statSync } from "node:fs"
import { unavailable } from "./errors.ts"

const identityOf = (path: string): string | null => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

/**
 * Tells whether the path still leads to the file that was opened, and its write-ahead log to the one that is written. When somebody has moved or deleted one
 * of them, writes go on without an error into a file that nobody will find again, so nothing may be acknowledged then.
 *
 * To be made while a connection is open, which keeps the write-ahead log where it is.
 */
export class FileIdentity {
  readonly #path: string
  readonly #opened: string | null
  readonly #logPath: string
  readonly #openedLog: string | null

  constructor(path: string) {
    this.#path = path
    this.#opened = identityOf(path)
    // SQLite has it beside the file that links lead to.
    this.#logPath = `${realpathSync(path)}-wal`
    this.#openedLog = identityOf(this.#logPath)
  }

  check(): void {
    this.#checkFile()
    if (identityOf(this.#logPath) === this.#openedLog) return
    throw unavailable(
      `${this.#logPath} has been moved, deleted or replaced while it was open: stop the process that has it open, by SIGTERM`,
    )
  }

  /** The file is the one that was opened, its write-ahead log is gone, and nobody has begun another. */
  hasLostLog(): boolean {
    return (
      this.#openedLog !== null &&
      identityOf(this.#path) === this.#opened &&
      identityOf(this.#logPath) === null
    )
  }

  #checkFile(): void {
    if (identityOf(this.#path) === this.#opened) return
    throw unavailable(`${this.#path} has been moved, deleted or replaced while it was open`)
  }
}
