import { randomUUID } from "node:crypto"
import { quietSleep } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { isAnswer } from "./errors.ts"

/**
 * How often to look for what has been committed, in ms. Inserts say nothing: a notification would
 * hold up their commits.
 */
const interval = 500

/**
 * Moves what has been committed to the outbox into the log, for as long as it runs. One process at
 * a time does so; each step is one transaction, so a process that dies leaves nothing half done.
 *
 * @param move moves some, and says how many: 0 when there are none, or when others move
 * @param failed told of the server's first refusal in a row
 */
export const sequencing = (
  move: (owner: string) => Effect.Effect<number, unknown>,
  failed: (error: unknown) => Effect.Effect<void>,
): Effect.Effect<never> =>
  Effect.suspend(() => {
    const owner = randomUUID()
    let isRefused = false
    const moveAll: Effect.Effect<void, unknown> = Effect.suspend(() =>
      Effect.flatMap(move(owner), (count) => (count > 0 ? moveAll : Effect.void)),
    )
    // A mistake of the program in one turn is not to end those that follow.
    const turn = Effect.matchEffect(Effect.catchDefect(moveAll, Effect.fail), {
      onSuccess: () =>
        Effect.sync(() => {
          isRefused = false
        }),
      onFailure: (error) => {
        // Without a connection everybody hears of it, outbox or not.
        if (!isAnswer(error) || isRefused) return Effect.void
        isRefused = true
        return Effect.asVoid(Effect.exit(failed(error)))
      },
    })
    return Effect.forever(Effect.andThen(quietSleep(interval), turn))
  })
