import { randomUUID } from "node:crypto"
import { isAnswer } from "./errors.ts"

/**
 * How often to look for what has been committed, in ms. Inserts say nothing: a notification would
 * hold up their commits.
 */
const interval = 500

/**
 * Moves what has been committed to the outbox into the log, as long as the store is open. One
 * process at a time does so; each step is one transaction, so a process that dies leaves nothing
 * half done.
 */
export class Sequencer {
  readonly #move: (owner: string) => Promise<number>
  readonly #failed: (error: unknown) => void
  readonly #owner = randomUUID()
  #timer: NodeJS.Timeout | undefined
  #refused = false
  #closed = false

  /**
   * @param move moves some, and returns how many: 0 when there are none, or when others move
   * @param failed told of the server's first refusal in a row
   */
  constructor(move: (owner: string) => Promise<number>, failed: (error: unknown) => void) {
    this.#move = move
    this.#failed = failed
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
      this.#refused = false
    } catch (error) {
      // Without a connection everybody hears of it, outbox or not.
      if (!isAnswer(error) || this.#refused) return
      this.#refused = true
      this.#failed(error)
    }
  }
}
