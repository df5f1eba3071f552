import { Position, quietSleep } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Database } from "./Database.ts"

/** Between notifications, in ms: who reads gets what has come meanwhile at once. */
const interval = 10

export const channelOf = (schema: string): string => `millrace.${schema}`

/**
 * Tells other processes that the log has grown. In a transaction of its own, since one that
 * notifies holds up all others that do until it is on disk; this one does not wait for the disk.
 */
export class Announcer {
  readonly #database: Database
  readonly #channel: string
  readonly #asked = Latch.makeUnsafe(false)
  #pending = Position.origin

  constructor(database: Database, schema: string) {
    this.#database = database
    this.#channel = channelOf(schema)
  }

  announce(head: Position.Position): void {
    if (head <= this.#pending) return
    this.#pending = head
    this.#asked.openUnsafe()
  }

  /** Does so for as long as it runs. */
  readonly running: Effect.Effect<never> = Effect.forever(
    Effect.andThen(
      this.#asked.await,
      Effect.suspend(() => {
        const payload = this.#pending
        this.#pending = Position.origin
        this.#asked.closeUnsafe()
        const notify = this.#database.query(
          "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
          [this.#channel, payload],
        )
        // Those who wait look by themselves, a little later.
        return Effect.andThen(Effect.exit(notify), quietSleep(interval))
      }),
    ),
  )
}
