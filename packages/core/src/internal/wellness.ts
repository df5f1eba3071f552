import * as Effect from "effect/Effect"
import type { Outcome, Verdict } from "../Delivery.ts"
import { makeSparingly } from "./sparingly.ts"

type Failing = Extract<Outcome, "not-now" | "misconfigured">

const messages: Readonly<Record<Failing, string>> = {
  "not-now": "a destination has begun to fail",
  misconfigured: "a destination is set up wrongly",
}

/** What a person needs, without what the receiver wrote: that may be anything. */
const why = ({ status, error }: Verdict): Record<string, unknown> =>
  status === null ? { error } : { status }

/**
 * Says in the log when a destination begins to fail, fails in another way, and is well again. Once for each, and no more than once a minute, so that one that is ill every other
 * time does not fill the log.
 *
 * @returns to be told every verdict, and whether it means that the destination is down
 */
export const make = (destination: string): ((verdict: Verdict, isDown: boolean) => Effect.Effect<void>) => {
  const sparingly = makeSparingly()
  let said: Failing | null = null
  const noted = Effect.annotateLogs({ destination })
  return (verdict, isDown) => {
    if (!isDown) {
      if (said === null || verdict.outcome !== "delivered") return Effect.void
      said = null
      return noted(Effect.logInfo("a destination is well again"))
    }
    const failing: Failing = verdict.outcome === "misconfigured" ? "misconfigured" : "not-now"
    if (said === failing) return Effect.void
    return sparingly(
      Effect.suspend(() => {
        said = failing
        return noted(Effect.annotateLogs(Effect.logWarning(messages[failing]), why(verdict)))
      }),
    )
  }
}
