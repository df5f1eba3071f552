import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../../base/monotonic.ts"
import type { Halt } from "../Dispatcher.ts"

/** What cannot go on (an entry that cannot be read, say) is tried again after this. */
export const tryAgainAfter = Duration.seconds(30)

/** It is taken to have gone on when it has not failed again for so long after that, in ms. */
const goesOnWithin = 5_000

/** Remembers why lanes, and what feeds them, could not go on. */
export interface Halts {
  readonly note: (halt: Halt) => Effect.Effect<void>
  /** The last one, for as long as it may still hold. */
  readonly current: Effect.Effect<Halt | null>
}

export const make = (): Halts => {
  let last: { readonly halt: Halt; readonly until: number } | null = null
  const holds = Duration.toMillis(tryAgainAfter) + goesOnWithin
  return {
    note: (halt) =>
      Effect.map(monotonicMillis, (now) => {
        last = { halt, until: now + holds }
      }),
    current: Effect.map(monotonicMillis, (now) => (last !== null && now < last.until ? last.halt : null)),
  }
}
