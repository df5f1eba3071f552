import { quietSleep } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** Between two questions to a server that does not answer, in ms, doubling. */
const pause = { first: 25, max: 1000 }

/**
 * Whether the server answers. When somebody got no answer, it is asked; as long as it gives none,
 * all calls fail at once, rather than each for itself after its time, and one question at a time is
 * all that a server gets that comes back.
 *
 * ```
 *  well ──doubt──► asked ──answer──► well
 *    │               │ ▲
 *    │      no answer│ │the pause is over
 *    │               ▼ │
 *    └────fail────► bad, until it answers, or anybody else is answered
 * ```
 */
export class Health {
  /** Open while the server is asked, or is to be. */
  readonly #asking = Latch.makeUnsafe(false)
  #failure: { readonly error: unknown } | undefined
  #isAsking = false
  /** The number of answers from when on it is to be asked; `null` after a pause. */
  #dueSince: number | null = null
  #pause = pause.first
  #answers = 0

  /**
   * How many answers there have been: what was asked before the last one says nothing of the
   * present.
   */
  get answers(): number {
    return this.#answers
  }

  /** Somebody got an answer. */
  answered(): void {
    this.#answers += 1
    this.#failure = undefined
  }

  /** Why there is no answer at present. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Somebody got no answer: the server may be slow, or gone. */
  doubt(): void {
    this.#begin(this.#answers)
  }

  /**
   * There is no server to connect to.
   *
   * @param since the number of answers when that was tried
   */
  fail(error: unknown, since: number): void {
    if (since !== this.#answers) return
    this.#failure ??= { error }
    this.#begin(null)
  }

  /**
   * Asks the server where it has to be asked, for as long as it runs.
   *
   * @param ask fails when there is no answer in bounded time
   */
  watching(ask: Effect.Effect<void, unknown>): Effect.Effect<never> {
    const turn = Effect.suspend(() => {
      const since = this.#dueSince ?? this.#answers
      this.#dueSince = null
      return Effect.match(ask, {
        onSuccess: () => this.#well(),
        onFailure: (error) => {
          if (since === this.#answers) this.#failure = { error }
          else this.#well()
        },
      })
    })
    const rest = Effect.suspend(() => {
      if (this.#dueSince !== null) return Effect.void
      const now = this.#pause
      this.#pause = Math.min(now * 2, pause.max)
      return quietSleep(now)
    })
    return Effect.forever(Effect.andThen(this.#asking.await, Effect.andThen(rest, turn)))
  }

  #begin(dueSince: number | null): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#dueSince = dueSince
    this.#asking.openUnsafe()
  }

  #well(): void {
    this.answered()
    this.#isAsking = false
    this.#pause = pause.first
    this.#asking.closeUnsafe()
  }
}
