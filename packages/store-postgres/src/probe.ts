import { EventLog, type StoreHealth } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "./Database.ts"
import { fullOf } from "./errors.ts"
import type { LogLimits } from "./tables/Log.ts"

/**
 * Goes the way of an append: it asks for the level, the generation and for room, and waits for the
 * commit of what it has written.
 */
export const health = (
  database: Database,
  { durability, maxBytes }: LogLimits,
): StoreHealth.StoreHealth["Service"] => {
  const { schema, lineage } = database
  const asked = database.use((client) =>
    client.query<{ fits: boolean }>(
      `WITH level AS MATERIALIZED (SELECT ${schema}.require_durability($3))
       UPDATE ${schema}.log SET head = head FROM level WHERE ${schema}.entered($1, $2, true)
       RETURNING (${schema}.admitted(log, $4, '{0}', ARRAY[$5::bigint], '{1}'))[1] AS fits`,
      [...lineage.known, durability, maxBytes, Math.floor(EventLog.leastRoom(maxBytes))],
    ),
  )
  return {
    probe: Effect.flatMap(asked, ({ rows }) =>
      rows[0]?.fits === false ? Effect.fail(fullOf(maxBytes)) : Effect.void,
    ),
    examine: Effect.succeed(
      durability === "memory"
        ? [{ level: "wrong", message: "fsync is off: what is acknowledged may be lost with the server" }]
        : [],
    ),
  }
}
