import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Tenure } from "../dispatcher/lease.ts"
import { Released } from "../LaneEnd.ts"

/**
 * Whether a lane is to go on: it may be given notice, and its process may lose the right to run it.
 */
export interface Notice {
  readonly give: () => void
  readonly isGiven: () => boolean
  /** Asked at the moment an attempt starts. */
  readonly mayStart: Effect.Effect<void, Released>
  /** Sleeps for so many ms, but no longer than until notice is given. */
  readonly sleep: (millis: number) => Effect.Effect<void>
}

export const makeNotice = (name: string, tenure: Tenure): Notice => {
  const given = Latch.makeUnsafe(false)
  return {
    give: () => given.openUnsafe(),
    isGiven: () => given.isOpen(),
    mayStart: Effect.suspend(() =>
      given.isOpen() || !tenure.holds() ? Effect.fail(new Released({ name })) : Effect.void,
    ),
    sleep: (millis) => Effect.raceFirst(Effect.sleep(millis), given.await),
  }
}
