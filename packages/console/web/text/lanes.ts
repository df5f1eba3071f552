import type { Destination } from "../api/rows.ts"
import { stateOf } from "./destinationState.ts"
import type { State } from "./words.ts"

const urgency: Readonly<Record<State, number>> = { failing: 0, gone: 1, behind: 2, paused: 3, flowing: 4 }

export interface Lanes {
  readonly shown: ReadonlyArray<Destination>
  readonly rest: ReadonlyArray<Destination>
}

/**
 * Which destinations are drawn. While there is room for each, they stand by id, so that nothing
 * moves when a state changes; else the worst are shown, and the rest is counted.
 */
export const lanesOf = (destinations: ReadonlyArray<Destination>, most: number): Lanes => {
  if (destinations.length <= most) return { shown: destinations, rest: [] }
  const byNeed = destinations.toSorted(
    (a, b) => urgency[stateOf(a)] - urgency[stateOf(b)] || b.pending - a.pending || a.id.localeCompare(b.id),
  )
  return { shown: byNeed.slice(0, most), rest: byNeed.slice(most) }
}
