import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"

/** Room for what one view is told next: what comes before it was taken takes its place. */
export class Slot<A> {
  readonly #full = Latch.makeUnsafe(false)
  #value: A | null = null
  #missed = 0

  put(value: A): void {
    if (this.#value !== null) this.#missed += 1
    this.#value = value
    this.#full.openUnsafe()
  }

  /** Waits for the next, and says how many had to make room for it. */
  readonly take: Effect.Effect<readonly [value: A, missed: number]> = Effect.suspend(() =>
    Effect.map(this.#full.await, () => {
      const taken = [this.#value!, this.#missed] as const
      this.#value = null
      this.#missed = 0
      this.#full.closeUnsafe()
      return taken
    }),
  )

  get isFull(): boolean {
    return this.#value !== null
  }
}

/** What somebody does while others look. */
export interface Watched {
  /** Somebody else looks. */
  readonly enter: Effect.Effect<void>
  readonly leave: Effect.Effect<void>
}

/**
 * Does something for as long as anybody looks, and never twice at once.
 *
 * @param begin done before the first one sees anything
 * @param forever done from then on
 */
export const whileWatched = Effect.fnUntraced(function* (
  begin: Effect.Effect<void>,
  forever: Effect.Effect<never>,
): Effect.fn.Return<Watched, never, Scope.Scope> {
  const scope = yield* Effect.scope
  // Whoever comes first must not decide by which clock it is done.
  const context = yield* Effect.context<never>()
  const gate = Semaphore.makeUnsafe(1)
  let watching = 0
  let running: Fiber.Fiber<never> | null = null
  return {
    enter: gate.withPermits(1)(
      Effect.gen(function* () {
        watching += 1
        if (running !== null) return
        yield* Effect.provideContext(begin, context)
        running = yield* Effect.forkIn(Effect.provideContext(forever, context), scope)
      }),
    ),
    leave: gate.withPermits(1)(
      Effect.suspend(() => {
        watching -= 1
        if (watching > 0 || running === null) return Effect.void
        const ended = running
        running = null
        return Fiber.interrupt(ended)
      }),
    ),
  }
})

/** What a slot is given for as long as it is read, and somebody fills it. */
export const told = <A>(
  slot: Slot<A>,
  { enter, leave }: Watched,
): Stream.Stream<readonly [value: A, missed: number]> =>
  Stream.unwrap(
    Effect.as(
      Effect.acquireRelease(enter, () => leave),
      Stream.fromEffectRepeat(slot.take),
    ),
  )
