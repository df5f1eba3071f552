import type { StoreError } from "@millrace/core/store"
import { StorageType } from "@nats-io/jetstream"
import type * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { isTooLarge } from "./errors.ts"
import type { Settings } from "./Options.ts"
import type { Layout } from "./Schema.ts"

/**
 * Why the servers have less room than the log may take; `null` when they have as much, or do not say. They tell nobody what they have: they
 * are asked for a stream of that size, which goes again at once.
 */
export const tooSmall = (
  connection: Connection,
  { prefix, maxBytes }: Settings,
  { replicas, storage }: Layout,
): Effect.Effect<string | null, StoreError> => {
  const name = `${prefix}_ROOM`
  const { streams } = connection.manager
  const stream = {
    name,
    subjects: [`${prefix}.room`],
    storage: storage === "file" ? StorageType.File : StorageType.Memory,
    num_replicas: replicas,
    max_bytes: Math.ceil(maxBytes),
  }
  return connection.call(async () => {
    try {
      await streams.add(stream)
    } catch (error) {
      return isTooLarge(error)
        ? `the log may take ${maxBytes} bytes (maxBytes), and the server has no room for as many: it takes no events once its own is used up by those not yet delivered, and keeps fewer for replay`
        : null
    }
    // Another process may have asked at the same time.
    await streams.delete(name).catch(() => {})
    return null
  })
}
