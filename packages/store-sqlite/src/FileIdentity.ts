import { statSync } from "node:fs"
import { unavailable } from "./errors.ts"

/**
 * Tells whether the path still leads to the file that was opened. When somebody has moved or deleted it, writes go on
 * without an error into a file that nobody will find again, so nothing may be acknowledged then.
 */
export class FileIdentity {
  readonly #path: string
  readonly #opened: string | null

  constructor(path: string) {
    this.#path = path
    this.#opened = this.#present()
  }

  check(): void {
    if (this.#present() !== this.#opened) {
      throw unavailable(`${this.#path} has been moved, deleted or replaced while it was open`)
    }
  }

  #present(): string | null {
    const found = statSync(this.#path, { throwIfNoEntry: false })
    return found === undefined ? null : `${found.dev}:${found.ino}`
  }
}
