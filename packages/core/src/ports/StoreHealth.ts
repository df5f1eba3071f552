import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StoreError } from "./StoreError.ts"

/** Something that a person should know of a store. */
export interface Finding {
  /** `note`: worth knowing. `wrong`: somebody has to do something. */
  readonly level: "note" | "wrong"
  /** Fit to be shown to an operator: no event, no key, no password. */
  readonly message: string
}

/**
 * What a store says of itself when it is asked: readiness follows the probe, and `millrace doctor`
 * shows the findings.
 */
export class StoreHealth extends Context.Service<
  StoreHealth,
  {
    /**
     * Succeeds when an append would succeed now, and fails with the reason for which one would
     * fail. It goes the way that an append goes, writes and syncs at the level that the log
     * declares, and leaves nothing behind. Asked every few seconds, so it has to be cheap.
     */
    readonly probe: Effect.Effect<void, StoreError>
    /**
     * Looks at everything that is kept and at how it is set up, changes nothing, and may take as
     * long as reading all of it. Empty when there is nothing to say. It fails only when it cannot
     * look.
     */
    readonly examine: Effect.Effect<ReadonlyArray<Finding>, StoreError>
    /**
     * Most bytes that the entries of all partitions take together, counted as `bounds` does: past
     * it, what is released goes, and where that does not do, appends are refused. `null` without a
     * cap.
     */
    readonly cap: number | null
  }
>()("@millrace/core/StoreHealth") {}
