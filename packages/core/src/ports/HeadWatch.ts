/**
 * For stores: where a log ends as far as this process knows, and who waits for it to go on.
 *
 * A store says what it learns: {@link HeadWatch.advance} after each append, its own or one that it
 * hears of, {@link HeadWatch.fallBack} when the log has come back with less than it had given. What
 * other processes append, and nobody says, is found by looking ({@link HeadWatch.looking}): by
 * Effect's clock, and only while somebody waits.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { quietSleep } from "../base/quietSleep.ts"
import type { StoreError } from "./StoreError.ts"

interface Waiter<At> {
  readonly after: At
  readonly resume: (outcome: Effect.Effect<void, StoreError>) => void
}

/** @typeParam At a position, or a store's own number of an entry: whatever `<` puts in order */
export class HeadWatch<At extends string | number> {
  readonly #waiting = new Set<Waiter<At>>()
  /** Open while somebody waits. */
  readonly #awaited = Latch.makeUnsafe(false)
  #known: At

  constructor(known: At) {
    this.#known = known
  }

  get known(): At {
    return this.#known
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0
  }

  /** Wakes those who waited for what is known now. */
  advance(to: At): void {
    if (to <= this.#known) return
    this.#known = to
    this.#release(Effect.void, ({ after }) => after < to)
  }

  /**
   * The log ends here, perhaps earlier than it did: wakes those who wait anywhere else, to find
   * that out.
   */
  fallBack(to: At): void {
    this.#known = to
    this.#release(Effect.void, ({ after }) => after !== to)
  }

  /** Returns once there is an entry after the place, or none can come there any more. */
  wait(after: At): Effect.Effect<void, StoreError> {
    return Effect.callback((resume) => {
      if (after < this.#known) {
        resume(Effect.void)
        return
      }
      const waiter: Waiter<At> = { after, resume }
      this.#waiting.add(waiter)
      if (this.#waiting.size === 1) this.#awaited.openUnsafe()
      return Effect.sync(() => {
        this.#waiting.delete(waiter)
        this.#rest()
      })
    })
  }

  /** Fails those who wait. */
  fail(failure: Effect.Effect<never, StoreError>): void {
    this.#release(failure, () => true)
  }

  /** Looks every so many ms while somebody waits, for as long as it runs. */
  looking(look: Effect.Effect<void>, interval: number): Effect.Effect<never> {
    const again = Effect.andThen(
      quietSleep(interval),
      Effect.suspend(() => (this.isAwaited ? look : Effect.void)),
    )
    return Effect.forever(Effect.andThen(this.#awaited.await, again))
  }

  #release(outcome: Effect.Effect<void, StoreError>, ready: (waiter: Waiter<At>) => boolean): void {
    if (this.#waiting.size === 0) return
    // Those who are woken may wait again at once, and are not to be woken twice.
    for (const waiter of [...this.#waiting].filter(ready)) {
      if (this.#waiting.delete(waiter)) waiter.resume(outcome)
    }
    this.#rest()
  }

  #rest(): void {
    if (this.#waiting.size === 0) this.#awaited.closeUnsafe()
  }
}
