import * as Effect from "effect/Effect"
import type { Attempt, Attempts } from "../../ports/Attempts.ts"

/** Attempts kept in memory while the store does not take them: losing older ones loses no event. */
const maxUnsaved = 1000

/** Attempts of all lanes on their way to the store, best effort. */
export interface AttemptRecords {
  readonly add: (attempt: Attempt) => void
  readonly save: Effect.Effect<void>
}

export const make = (attempts: Attempts["Service"], onAdded: () => void): AttemptRecords => {
  let unsaved: Array<Attempt> = []
  return {
    add: (attempt) => {
      unsaved.push(attempt)
      if (unsaved.length > maxUnsaved) unsaved = unsaved.slice(1)
      onAdded()
    },
    save: Effect.suspend(() => {
      const batch = unsaved
      if (batch.length === 0) return Effect.void
      unsaved = []
      return Effect.ignore(attempts.append(batch))
    }),
  }
}
