import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const systemClock = Context.get(Context.empty(), Clock.Clock)

/**
 * Opens a store with a clock that tells the virtual time, since what a store keeps is compared with
 * it, and by which sleeping takes real time: what a store waits for between two looks at a disk or
 * a server, these do not do any sooner.
 */
export const onStoreClock = <A, E, R>(store: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.unwrap(
    Effect.clockWith((virtual) =>
      Effect.succeed(
        Layer.provide(
          store,
          Layer.succeed(Clock.Clock, {
            ...virtual,
            monotonicTimeNanosUnsafe: () => systemClock.monotonicTimeNanosUnsafe(),
            monotonicTimeNanos: systemClock.monotonicTimeNanos,
            sleep: (duration) => systemClock.sleep(duration),
          }),
        ),
      ),
    ),
  )
