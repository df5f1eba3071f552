import { EventLog, type StoreHealth } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { full } from "../errors.ts"
import * as scripts from "../logScripts.ts"
import { withRoom } from "../room.ts"

export interface Caps {
  /** Bytes of the log. */
  readonly logBytes: number
  /** The cap of each partition. */
  readonly maxBytes: number
}

export const storeHealth = (
  connection: Connection,
  { logBytes, maxBytes }: Caps,
): StoreHealth.StoreHealth["Service"] => {
  const room = EventLog.leastRoom(maxBytes)

  const probe = async (partition: number): Promise<void> => {
    const { entries, bodies, state } = connection.keys.partition(partition)
    const keys = [entries, bodies, state, connection.keys.probe]
    const ask = () => connection.run(scripts.probe, keys, [maxBytes, room])
    if ((await withRoom(connection, partition, room, ask)) === 0) throw full(logBytes)
  }

  return {
    probe: fromPromise(async () => {
      if (connection.doubt !== undefined) throw connection.doubt
      await Promise.all(Array.from({ length: connection.partitions }, (_, partition) => probe(partition)))
    }),
    examine: fromPromise(() => connection.findings(logBytes)),
    cap: logBytes,
  }
}
