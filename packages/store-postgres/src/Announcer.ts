import { Position } from "@millrace/core/store"
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
  #pending = Position.origin
  #busy = false

  constructor(database: Database, schema: string) {
    this.#database = database
    this.#channel = channelOf(schema)
  }

  announce(head: Position.Position): void {
    if (head > this.#pending) this.#pending = head
    if (this.#busy) return
    this.#busy = true
    const payload = this.#pending
    this.#pending = Position.origin
    this.#database
      .run((client) =>
        client.query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", [
          this.#channel,
          payload,
        ]),
      )
      // Those who wait look by themselves, a little later.
      .catch(() => {})
      .finally(() => {
        setTimeout(() => {
          this.#busy = false
          if (this.#pending !== Position.origin) this.announce(this.#pending)
        }, interval).unref()
      })
  }
}
