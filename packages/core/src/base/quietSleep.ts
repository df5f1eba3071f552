import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The longest that timers can wait, ms. */
const maxTimer = 2 ** 31 - 1

const systemClock = Context.get(Context.empty(), Clock.Clock)

/** Outside of Node a timer is a number, and keeps nothing alive. */
const keepNothingAlive = (timer: number | { readonly unref: () => unknown }): void => {
  if (typeof timer !== "number") timer.unref()
}

const unrefSleep = (millis: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const rest = millis > maxTimer ? unrefSleep(millis - maxTimer) : Effect.void
    const timer = setTimeout(() => resume(rest), Math.min(millis, maxTimer))
    keepNothingAlive(timer)
    return Effect.sync(() => clearTimeout(timer))
  })

/**
 * Sleeps as `Effect.sleep` does, by any clock that is provided, but by the system's one does not
 * keep Node alive.
 */
export const quietSleep = (duration: Duration.Input): Effect.Effect<void> =>
  Clock.clockWith((clock) =>
    clock === systemClock
      ? unrefSleep(Duration.toMillis(duration))
      : clock.sleep(Duration.fromInputUnsafe(duration)),
  )
