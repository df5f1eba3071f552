import * as Effect from "effect/Effect"
import * as Position from "./Position.ts"
import type { StoreError } from "./StoreError.ts"

interface Waiter {
  readonly after: Position.Position
  readonly resume: (outcome: Effect.Effect<void, StoreError>) => void
}

/** Outside of Node a timer is a number, and keeps nothing alive. */
const keepNothingAlive = (timer: number | { readonly unref: () => unknown }): void => {
  if (typeof timer !== "number") timer.unref()
}

/**
 * For stores: a log's last position as far as this process knows, and who waits for a later one.
 */
export class KnownHead {
  readonly #poll: () => void
  readonly #interval: number
  readonly #waiting = new Set<Waiter>()
  #known = Position.origin
  #timer: ReturnType<typeof setInterval> | undefined

  /**
   * @param poll asks whether another process has appended, and calls {@link KnownHead.advance}
   * @param interval how often to do so, in ms: only while somebody waits
   */
  constructor(poll: () => void, interval: number) {
    this.#poll = poll
    this.#interval = interval
  }

  /** Wakes those who waited for what is known now. */
  advance(to: Position.Position): void {
    if (to <= this.#known) return
    this.#known = to
    this.#release(undefined, (waiter) => waiter.after < to)
  }

  /**
   * The log has come back with less than it had given: wakes those who wait behind its end, to find
   * that out.
   */
  fallBack(to: Position.Position): void {
    this.#known = to
    this.#release(undefined, (waiter) => waiter.after > to)
  }

  /** Returns once there is an entry after the position. */
  wait(after: Position.Position): Effect.Effect<void, StoreError> {
    return Effect.callback((resume) => {
      if (after < this.#known) {
        resume(Effect.void)
        return
      }
      const waiter: Waiter = { after, resume }
      this.#waiting.add(waiter)
      if (this.#timer === undefined) {
        this.#timer = setInterval(this.#poll, this.#interval)
        keepNothingAlive(this.#timer)
      }
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
