import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

/**
 * A virtual clock whose time stands still while somebody is busy with something real, such as a
 * disk.
 */
export interface VirtualTime {
  /** Holds the clock: what runs with it lives in virtual time. */
  readonly context: Context.Context<never>
  /** ms since the epoch, however the wall clock is set. */
  readonly now: () => number
  /**
   * Sets the wall clock so many ms ahead of the time, or behind it; what is slept and the monotonic
   * clock go on as before.
   */
  readonly setWallClock: (ahead: number) => void
  /** Counts an effect as busy until it ends, or only while something holds. */
  readonly busy: <A, E, R>(effect: Effect.Effect<A, E, R>, isBusy?: () => boolean) => Effect.Effect<A, E, R>
  /** Waits until nobody is busy, and what follows from that has happened. */
  readonly settle: () => Promise<void>
  /** Lets time pass, from one thing that is due to the next; everybody settles in between. */
  readonly advance: (duration: Duration.Input) => Promise<void>
}

/**
 * Turns of the event loop without anybody busy after which nothing more is on its way: a callback,
 * and what it begins.
 */
const quietTurns = 3

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * @param real whether anything takes real time at all; without, nobody is waited for
 */
export const make = Effect.fnUntraced(function* (
  startAt: number,
  real: boolean,
): Effect.fn.Return<VirtualTime, never, Scope.Scope> {
  const context = yield* Layer.build(TestClock.layer())
  const testClock = Context.get(context, Clock.Clock) as TestClock.TestClock
  const now = testClock.currentTimeMillisUnsafe
  const setTime = (at: number) => Effect.runPromiseWith(context)(testClock.setTime(at))
  yield* testClock.setTime(startAt)
  const after = (duration: Duration.Input) => now() + Duration.toMillis(duration)
  let ahead = 0
  const wall: Clock.Clock = {
    ...testClock,
    currentTimeMillisUnsafe: () => testClock.currentTimeMillisUnsafe() + ahead,
    currentTimeMillis: Effect.sync(() => testClock.currentTimeMillisUnsafe() + ahead),
    currentTimeNanosUnsafe: () => testClock.currentTimeNanosUnsafe() + BigInt(ahead) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => testClock.currentTimeNanosUnsafe() + BigInt(ahead) * 1_000_000n),
  }
  const setWallClock = (millis: number): void => {
    ahead = millis
  }
  // The clock alone runs all that is due, in order, and faster than we could.
  if (!real) {
    return {
      context: Context.add(context, Clock.Clock, wall),
      now,
      setWallClock,
      busy: (effect) => effect,
      settle: async () => {},
      advance: (duration) => setTime(after(duration)),
    }
  }

  const sleeps = new Set<{ readonly due: number }>()
  const clock: Clock.Clock = {
    ...wall,
    sleep: (duration) =>
      Effect.suspend(() => {
        const sleep = { due: after(duration) }
        sleeps.add(sleep)
        return Effect.ensuring(
          testClock.sleep(duration),
          Effect.sync(() => sleeps.delete(sleep)),
        )
      }),
  }
  const nextDue = () => {
    let next = Number.POSITIVE_INFINITY
    for (const { due } of sleeps) if (due > now() && due < next) next = due
    return next
  }

  const running = new Set<{ readonly isBusy: () => boolean }>()
  const isAnybodyBusy = () => {
    for (const { isBusy } of running) if (isBusy()) return true
    return false
  }
  const settle = async () => {
    for (let quiet = 0; quiet < quietTurns; quiet = isAnybodyBusy() ? 0 : quiet + 1) await turn()
  }
  return {
    context: Context.add(context, Clock.Clock, clock),
    now,
    setWallClock,
    busy: (effect, isBusy = () => true) =>
      Effect.suspend(() => {
        const entry = { isBusy }
        running.add(entry)
        return Effect.ensuring(
          effect,
          Effect.sync(() => running.delete(entry)),
        )
      }),
    settle,
    advance: async (duration) => {
      const end = after(duration)
      await settle()
      for (let next = nextDue(); next <= end; next = nextDue()) {
        await setTime(next)
        await settle()
      }
      await setTime(end)
      await settle()
    },
  }
})
