import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Semaphore from "effect/Semaphore"
import type { StoreError } from "../ports/StoreError.ts"
import type { LaneSet } from "./dispatcher/laneSet.ts"
import type { Roster } from "./dispatcher/registry.ts"

/** What a running dispatcher puts into an operator's hands, and nobody else's. */
export class Steering extends Context.Service<
  Steering,
  {
    readonly roster: Roster
    readonly lanes: LaneSet
    /** What changes lanes is done one thing after the other. */
    readonly acting: Semaphore.Semaphore
    /**
     * Lets run here what is to run by what the store says now. To be called while {@link acting}.
     */
    readonly assign: Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Steering") {}
