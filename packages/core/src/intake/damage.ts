import * as Effect from "effect/Effect"
import { monotonicMillis } from "../base/monotonic.ts"
import { mayPass, type StoreError } from "../ports/StoreError.ts"

/**
 * How long a store that is damaged is taken for that without another try, in ms: probes ask several
 * times meanwhile. No longer, since whoever is not ready is sent nothing that would show otherwise.
 */
const damagedFor = 10_000

/** Remembers that appends fail for a reason that does not pass by itself. */
export interface Damage {
  readonly note: (error: StoreError) => Effect.Effect<void>
  /** An append has succeeded. */
  readonly forget: () => void
  readonly current: Effect.Effect<StoreError | null>
}

export const makeDamage = (): Damage => {
  let last: { readonly error: StoreError; readonly until: number } | null = null
  return {
    note: (error) =>
      Effect.map(monotonicMillis, (now) => {
        if (!mayPass(error.reason)) last = { error, until: now + damagedFor }
      }),
    forget: () => {
      last = null
    },
    current: Effect.map(monotonicMillis, (now) => (last !== null && now < last.until ? last.error : null)),
  }
}
