import { EventLog, type StoreHealth } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "./Database.ts"
import { fullOf } from "./errors.ts"
import type { Room } from "./Room.ts"
import type { LogLimits } from "./tables/Log.ts"

/**
 * Goes the way of an append: it asks for the level, the generation and for room, and waits for the
 * commit of what it has written.
 */
export const health = (
  database: Database,
  { durability, maxBytes }: LogLimits,
  room: Room,
): StoreHealth.StoreHealth["Service"] => {
  const { schema, lineage } = database
  const asked = database.use((client) =>
    client.query<{ fits: boolean; reserved: boolean }>(
      `WITH level AS MATERIALIZED (SELECT ${schema}.require_durability($3))
       UPDATE ${schema}.log SET head = head FROM level WHERE ${schema}.entered($1, $2, true)
       RETURNING (${schema}.admitted(log, $4, '{0}', ARRAY[$5::bigint], '{1}'))[1] AS fits,
         ${schema}.is_filled('${schema}.reserve') AS reserved`,
      [...lineage.known, durability, maxBytes, Math.floor(EventLog.leastRoom(maxBytes))],
    ),
  )
  const restored = database.attempt(() => room.restore())
  const found = Effect.flatMap(asked, ({ rows }) => {
    if (rows[0]?.fits === false) return Effect.fail(fullOf(maxBytes))
    if (rows[0]?.reserved === false) room.hearOut()
    return Effect.void
  })
  return {
    probe: Effect.andThen(found, restored),
    examine: Effect.succeed(
      durability === "memory"
        ? [{ level: "wrong", message: "fsync is off: what is acknowledged may be lost with the server" }]
        : [],
    ),
    cap: maxBytes,
  }
}
