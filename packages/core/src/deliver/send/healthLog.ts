import * as Effect from "effect/Effect"
import { makeSparingly } from "../../base/logOncePerMinute.ts"
import { monotonicMillis } from "../../base/monotonic.ts"
import { logMessages } from "../../base/Telemetry.ts"
import type { Outcome } from "../../ports/Attempts.ts"
import type { Verdict } from "../Delivery.ts"

type Failing = Extract<Outcome, "not-now" | "misconfigured">

const messages: Readonly<Record<Failing, string>> = {
  "not-now": logMessages.destinationFails,
  misconfigured: logMessages.destinationWrong,
}

/** What a person needs, without what the receiver wrote: that may be anything. */
const why = ({ status, error }: Verdict): Record<string, unknown> =>
  status === null ? { error } : { status }

/**
 * Says in the log when a destination begins to fail, fails in another way, and is well again. Once
 * for each, and no more than once a minute, so that one that is ill every other time does not fill
 * the log.
 *
 * @returns to be told every verdict, and whether it means that the destination is down
 */
export const make = (destination: string): ((verdict: Verdict, isDown: boolean) => Effect.Effect<void>) => {
  const sparingly = makeSparingly()
  let said: Failing | null = null
  /** Failures since it was well, and when the first was heard of. */
  let attempts = 0
  let since = 0
  const noted = Effect.annotateLogs({ destination })
  const wellAgain = Effect.gen(function* () {
    const how = { attempts, after: `${(yield* monotonicMillis) - since} ms` }
    const isSaid = said !== null
    attempts = 0
    said = null
    if (isSaid) yield* noted(Effect.annotateLogs(Effect.logInfo(logMessages.destinationWell), how))
  })
  return (verdict, isDown) => {
    if (!isDown) return verdict.outcome === "delivered" && attempts > 0 ? wellAgain : Effect.void
    const failing: Failing = verdict.outcome === "misconfigured" ? "misconfigured" : "not-now"
    return Effect.flatMap(monotonicMillis, (now) => {
      if (attempts === 0) since = now
      attempts += 1
      if (said === failing) return Effect.void
      return sparingly(
        Effect.suspend(() => {
          said = failing
          return noted(Effect.annotateLogs(Effect.logWarning(messages[failing]), why(verdict)))
        }),
      )
    })
  }
}
