import type { StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import { never, readAll } from "./entries.ts"
import { type Ports, start } from "./suite.ts"

/** Everything a store shows of itself. */
export const contents = ({
  log,
  cursors,
  deadLetters,
  attempts,
  destinations,
  keys,
  counters,
}: Ports): Effect.Effect<{ readonly entries: ReadonlyArray<object> }, StoreError> =>
  Effect.gen(function* () {
    const bounds = yield* log.bounds(0)
    return {
      bounds,
      stats: yield* log.stats(0, bounds.head),
      located: yield* log.locate(0, start + 2000),
      entries: (yield* readAll(log, { after: bounds.tail })).map((one) => ({ ...one, body: [...one.body] })),
      cursors: yield* cursors.list,
      letters: yield* deadLetters.list({}),
      attempts: yield* attempts.list({}),
      destinations: yield* destinations.list,
      keys: yield* keys.list,
      counters: yield* counters.list(0, never),
    }
  })
