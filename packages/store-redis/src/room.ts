import { StoreError } from "@millrace/core/store"
import type { Connection } from "./Connection.ts"
import type { Reply } from "./Link.ts"
import { makeRoom } from "./logScripts.ts"

/**
 * The least that goes at once from a server whose memory is used up, in bytes: not every append
 * shall have to ask for it.
 */
const least = 1024 * 1024

/**
 * Writes so many bytes to a partition. Where the server's memory is used up, what is delivered goes
 * first.
 */
export const withRoom = async (
  connection: Connection,
  partition: number,
  bytes: number,
  write: () => Promise<Reply>,
): Promise<Reply> => {
  const { entries, bodies, state } = connection.keys.partition(partition)
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason._tag !== "Full") throw error
      const dropped = await connection.run(makeRoom, [entries, bodies, state], [Math.max(bytes, least)])
      if (dropped === 0) throw error
    }
  }
}
