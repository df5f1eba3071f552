import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/**
 * Gives back the room of what has been trimmed, beside what else goes on: one at a time, however
 * often it is asked.
 */
export class Reclaimer {
  readonly #asked = Latch.makeUnsafe(false)

  reclaim(): void {
    this.#asked.openUnsafe()
  }

  /** Does so whenever it is asked, for as long as it runs. */
  running(reclaim: Effect.Effect<void, unknown>): Effect.Effect<never> {
    return Effect.forever(
      Effect.andThen(
        this.#asked.await,
        Effect.suspend(() => {
          this.#asked.closeUnsafe()
          // What could not be given back is at the next time.
          return Effect.ignore(reclaim)
        }),
      ),
    )
  }
}
