import type { Destination } from "../api/rows.ts"
import type { State } from "./words.ts"

/** Failures in a row from which a destination counts as failing: one or two happen to everybody. */
const failingFrom = 3

/** Being late from which it is catching up, in ms. */
const behindFrom = 10_000

/** How a destination is doing, in one of five words. */
export const stateOf = ({
  disabled,
  failures,
  circuit,
  lastOutcome,
  lag,
}: Pick<Destination, "disabled" | "failures" | "circuit" | "lastOutcome" | "lag">): State => {
  if (disabled !== null) return disabled.reason === "gone" ? "gone" : "paused"
  const isSetUpWrongly = failures > 0 && lastOutcome === "misconfigured"
  if (failures >= failingFrom || circuit !== "closed" || isSetUpWrongly) return "failing"
  return lag !== null && lag > behindFrom ? "behind" : "flowing"
}
