import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { durationText } from "../../base/durationText.ts"
import { quietSleep } from "../../base/quietSleep.ts"
import { logMessages } from "../../base/Telemetry.ts"
import { conditionOf, type StoreError } from "../../ports/StoreError.ts"
import type { StoreHealth } from "../../ports/StoreHealth.ts"
import type { StoreTrouble } from "../../ports/StoreTrouble.ts"
import type { Finding } from "./Alert.ts"

/** ms. A store that answers again by then was not down. */
const firstLook = 5_000

/** ms from one look at a store that is down to the next. */
const longestRest = 60_000

/** What does not pass by asking again, or is no failure at all. */
const isNoOutage = ({ reason }: StoreError): boolean =>
  reason._tag === "Closed" || reason._tag === "OutOfRange"

/**
 * Finds out whether a store that has failed somebody is down, and when it is back. It asks the
 * store nothing while nobody complains.
 */
export const make = Effect.fnUntraced(function* (
  health: StoreHealth["Service"],
  trouble: StoreTrouble,
  announce: (finding: Finding) => Effect.Effect<void>,
): Effect.fn.Return<void, never, Scope.Scope> {
  const failed = Latch.makeUnsafe(false)
  trouble.listen((error) => {
    if (!isNoOutage(error)) failed.openUnsafe()
  })

  const probe = Effect.matchEffect(health.probe, {
    onFailure: (error) => Effect.succeed(error),
    onSuccess: () => Effect.succeed(null),
  })

  const untilBack = Effect.gen(function* () {
    for (let rest = firstLook; ; rest = Math.min(rest * 2, longestRest)) {
      yield* quietSleep(rest)
      if ((yield* probe) === null) return
    }
  })

  const once = Effect.gen(function* () {
    yield* failed.await
    const since = yield* Clock.currentTimeMillis
    yield* quietSleep(firstLook)
    failed.closeUnsafe()
    const error = yield* probe
    if (error === null) return
    const cause = `the store is ${conditionOf(error.reason)}`
    yield* Effect.logWarning(logMessages.storeDown).pipe(
      Effect.annotateLogs({ reason: error.reason._tag, error: error.message }),
    )
    yield* announce({ type: "store-down", destination: null, since, cause })
    yield* untilBack
    const after = durationText((yield* Clock.currentTimeMillis) - since)
    yield* Effect.logInfo(logMessages.storeBack).pipe(Effect.annotateLogs({ after }))
    yield* announce({ type: "recovered", destination: null, since, cause: "store-down" })
    failed.closeUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(once))
})
