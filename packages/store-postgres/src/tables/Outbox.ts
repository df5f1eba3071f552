import type { Position } from "@millrace/core"
import type { Database } from "../Database.ts"
import type { LogLimits } from "./Log.ts"

export interface Moved {
  readonly count: number
  /** The last position they got; `null` when none was moved. */
  readonly head: Position.Position | null
  /** A segment of the log has been closed: it is time to see whether others can be emptied. */
  readonly closed: boolean
}

/** How long a process keeps the lease without moving anything, in ms: another one takes over then. */
const lease = 5000

/** What is moved in one transaction. */
const piece = { entries: 1000, bytes: 8 * 1024 * 1024 }

interface Row {
  readonly count: number
  readonly head: number | null
  readonly closed: boolean
}

export const outbox = (database: Database) => ({
  /** Moves the next committed entries into the log, if it is this process's turn. */
  move: async (owner: string, now: number, limits: LogLimits): Promise<Moved> => {
    const { lineage } = database
    const { rows, generations } = await database.run(async (client) => {
      const { generations } = lineage
      const { rows } = await client.query<Row>(
        `SELECT ${database.schema}.entered($9, 0, moved) AS count, head, emptied AS closed
         FROM ${database.schema}.move_outbox(
           ${database.schema}.entered($9, $10, $1::text), $2, $3, $4, $5, $6, $7, $8)`,
        [
          owner,
          lease,
          piece.entries,
          piece.bytes,
          limits.durability,
          limits.maxBytes,
          limits.segmentBytes,
          now,
          ...lineage.known,
        ],
      )
      return { rows, generations }
    })
    const { count, head, closed } = rows[0] ?? { count: 0, head: null, closed: false }
    if (head === null || head === 0 || generations !== lineage.generations)
      return { count, head: null, closed }
    lineage.saw(head)
    return { count, head: generations.positionOf(head), closed }
  },
})
