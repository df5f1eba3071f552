import type { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Connection } from "./Connection.ts"
import { lost, madeAgain } from "./errors.ts"
import type { Level } from "./Level.ts"
import type { Settings } from "./Options.ts"
import * as Schema from "./Schema.ts"

interface Options {
  readonly connection: Connection
  readonly settings: Settings
  /** As the store was opened: it is made again so. */
  readonly layout: Schema.Layout
  readonly level: Level
}

/**
 * Decides what becomes of a call for which a stream was missing. Where all of them are gone the
 * servers were emptied, or started without their data. What was in their memory only may go at any
 * time, so those streams are made again, and the log begins a new generation. What was acknowledged
 * as safer than that is lost, and nothing is taken any more. Where some are there, somebody has
 * deleted the others.
 */
export const make = ({ connection, settings, layout, level }: Options) => {
  const alone = Semaphore.makeUnsafe(1)
  return (error: StoreError): Effect.Effect<never, StoreError> =>
    Effect.gen(function* () {
      const { there, all } = yield* Schema.count(connection, settings.prefix, layout.partitions)
      if (there === all) return yield* Effect.fail(madeAgain(connection.server))
      if (there > 0) return yield* Effect.fail(error)
      if (level.current !== "memory") {
        const end = lost(connection.server, level.current)
        connection.giveUp(end)
        return yield* Effect.fail(end)
      }
      yield* Schema.prepare(connection, { ...settings, ...layout })
      // Whatever was known of the servers is known no more.
      connection.generation += 1
      yield* Effect.logWarning(
        `${connection.server}: the store was emptied, and is begun anew: what was in it is gone`,
      )
      return yield* Effect.fail(madeAgain(connection.server))
    }).pipe(alone.withPermits(1))
}
