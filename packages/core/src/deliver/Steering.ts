import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Semaphore from "effect/Semaphore"
import type { StoreError } from "../ports/StoreError.ts"
import type { DeliveryMeters } from "./dispatcher/deliveryMeters.ts"
import type { DeliveryWatch } from "./dispatcher/deliveryWatch.ts"
import type { LaneSet } from "./dispatcher/laneSet.ts"
import type { Roster } from "./dispatcher/registry.ts"
import type { Herald } from "./health/Herald.ts"

/** What a running dispatcher puts into an operator's hands, and nobody else's. */
export class Steering extends Context.Service<
  Steering,
  {
    readonly roster: Roster
    readonly lanes: LaneSet
    /** What this process's deliveries have come to. */
    readonly watch: DeliveryWatch
    /** What they count for those who watch from outside. */
    readonly meters: DeliveryMeters
    /** Is told what an operator does that others should hear of. */
    readonly herald: Pick<Herald, "found">
    /** Opens with whatever happens in lanes and readers; whoever waits for it closes it. */
    readonly active: Latch.Latch
    /** How long entries behind every cursor are kept, in ms. */
    readonly keepFor: number
    /** What changes lanes is done one thing after the other. */
    readonly acting: Semaphore.Semaphore
    /**
     * Lets run here what is to run by what the store says now. To be called while {@link acting}.
     */
    readonly assign: Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Steering") {}
