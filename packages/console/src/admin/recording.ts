import { Action } from "@millrace/core/host"
import { Destinations } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Caller } from "./Caller.ts"
import type { Change, Changes } from "./Changes.ts"
import { changeOf, subjectOf } from "./changeOf.ts"

/** The one place where what somebody changes is put on record, and into the log. */
export const recording = <T extends Action.Table, E>(
  table: T,
  service: Action.ServiceOf<T, E>,
  changes: Changes,
  store: Context.Context<Destinations.Destinations>,
): Action.ServiceOf<T, E> => {
  const destinations = Context.get(store, Destinations.Destinations)
  /** What the store has of the destination that it is about: cheap, and no reason to fail. */
  const stateOf = (action: Action.Action, input: unknown): Effect.Effect<unknown> => {
    const id = action.path.startsWith("destinations/") ? subjectOf(input) : null
    return id === null ? Effect.succeed(null) : Effect.orElseSucceed(destinations.get(id), () => null)
  }
  const keep = (change: Change): Effect.Effect<void> =>
    Effect.gen(function* () {
      const { who, did, what } = change
      yield* Effect.logInfo("changed by an operator").pipe(
        Effect.annotateLogs({ who, did, ...(what === null ? {} : { what }) }),
      )
      // It has been done: that it is on record in the log has to do.
      yield* Effect.catch(changes.add(change), ({ message }) =>
        Effect.annotateLogs(Effect.logWarning("a change could not be put on record"), {
          did,
          reason: message,
        }),
      )
    })
  return Action.serve<T, E>(table, (action, name) => {
    const perform = Action.methodOf(service, name)
    if (!action.changes || Action.isTelling(action)) return perform
    return Effect.fnUntraced(function* (input) {
      const before = yield* stateOf(action, input)
      const output = yield* perform(input)
      const { name: who } = yield* Caller
      const [at, after] = [yield* Clock.currentTimeMillis, yield* stateOf(action, input)]
      const id = crypto.randomUUID()
      yield* keep(changeOf({ action, input, output, before, after }, { id, at, who }))
      return output
    })
  })
}
