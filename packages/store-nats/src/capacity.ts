import type { StoreError } from "@millrace/core/store"
import { StorageType } from "@nats-io/jetstream"
import type * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { isTooLarge } from "./errors.ts"
import type { Settings } from "./Options.ts"
import type { Layout } from "./Schema.ts"

/** Servers that hold less than this, in bytes, are not told apart. */
const leastAsked = 1024 * 1024

/** How exactly the room is found: each question makes a stream. */
const precision = 1.05

/**
 * Why the servers have less room than the log may take; `null` when they have as much, or do not
 * say. They tell nobody what they have: they are asked for a stream of that size, which goes again
 * at once, and for smaller ones until one fits.
 */
export const tooSmall = (
  connection: Connection,
  { prefix, maxBytes }: Settings,
  { replicas, storage }: Layout,
): Effect.Effect<string | null, StoreError> => {
  const name = `${prefix}_ROOM`
  const { streams } = connection.manager

  /** `null` when they do not say. */
  const hold = async (bytes: number): Promise<boolean | null> => {
    try {
      await streams.add({
        name,
        subjects: [`${prefix}.room`],
        storage: storage === "file" ? StorageType.File : StorageType.Memory,
        num_replicas: replicas,
        max_bytes: Math.ceil(bytes),
      })
    } catch (error) {
      return isTooLarge(error) ? false : null
    }
    // Another process may have asked at the same time.
    await streams.delete(name).catch(() => {})
    return true
  }

  /** About what they hold, where that is less than so many bytes. */
  const roomBelow = async (bytes: number): Promise<number> => {
    let [held, refused] = [leastAsked, bytes]
    while (refused / held > precision) {
      const asked = Math.sqrt(held * refused)
      if ((await hold(asked)) === true) held = asked
      else refused = asked
    }
    return Math.floor(held)
  }

  return connection.call(async () =>
    (await hold(maxBytes)) === false
      ? `the log may take ${maxBytes} bytes (maxBytes), and the server has room for about ${await roomBelow(maxBytes)}: it takes no events once that is used up by those not yet delivered, and keeps fewer for replay`
      : null,
  )
}
