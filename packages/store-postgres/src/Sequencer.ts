import { randomUUID } from "node:crypto"

/** How often to look for what has been committed, in ms. Inserts say nothing: a notification would hold up their commits. */
const interval = 500

/**
 * Moves what has been committed to the outbox into the log, as long as the store is open. One process at a time does so;
 * each step is one transaction, so a process that dies leaves nothing half done.
 */
export class Sequencer {
  readonly #move: (owner: string) => Promise<number>
  readonly #owner = randomUUID()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param move moves some, and returns how many: 0 when there are none, or when others move */
  constructor(move: (owner: string) => Promise<number>) {
    this.#move = move
    this.#later()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => this.#turn().finally(() => this.#later()), interval).unref()
  }

  async #turn(): Promise<void> {
    try {
      while (!this.#closed && (await this.#move(this.#owner)) > 0) {}
    } catch {
      // The store says so to whoever appends and reads; here the next turn will do.
    }
  }
}
