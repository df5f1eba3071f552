import { Position, type StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"

interface Waiter {
  readonly after: Position.Position
  readonly resume: (outcome: Effect.Effect<void, StoreError>) => void
}

/** How often to look whether another process has appended, in ms, should no notification say so: only while somebody waits. */
const pollInterval = 1000

/** The log's last position as far as this process knows, and who waits for a later one. */
export class Head {
  readonly #poll: () => void
  readonly #waiting = new Set<Waiter>()
  #known = Position.origin
  #timer: NodeJS.Timeout | undefined

  /** @param poll asks for the head and calls {@link Head.advance} */
  constructor(poll: () => void) {
    this.#poll = poll
  }

  /** Wakes those who waited for what is known now. */
  advance(to: Position.Position): void {
    if (to <= this.#known) return
    this.#known = to
    this.#release(undefined, (waiter) => waiter.after < to)
  }

  wait(after: Position.Position): Effect.Effect<void, StoreError> {
    return Effect.callback((resume) => {
      if (after < this.#known) {
        resume(Effect.void)
        return
      }
      const waiter: Waiter = { after, resume }
      this.#waiting.add(waiter)
      this.#timer ??= setInterval(this.#poll, pollInterval).unref()
      return Effect.sync(() => {
        this.#waiting.delete(waiter)
        this.#rest()
      })
    })
  }

  /** Fails those who wait. */
  close(error: StoreError): void {
    this.#release(error, () => true)
  }

  #release(error: StoreError | undefined, ready: (waiter: Waiter) => boolean): void {
    for (const waiter of this.#waiting) {
      if (!ready(waiter)) continue
      this.#waiting.delete(waiter)
      waiter.resume(error === undefined ? Effect.void : Effect.fail(error))
    }
    this.#rest()
  }

  #rest(): void {
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
