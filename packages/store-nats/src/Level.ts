import { EventLog } from "@millrace/core/store"
import { StorageType, type StreamInfo } from "@nats-io/jetstream"
import * as Effect from "effect/Effect"
import { durabilityOf, type Keeping, warningOf } from "./Durability.ts"
import type { Sync } from "./Options.ts"
import { replicasOf } from "./Schema.ts"

/** How safe the log's streams keep what they have acknowledged: they can be edited at run time. */
export interface Level {
  /** The least of all partitions'. */
  readonly current: EventLog.Durability
  /**
   * What the server says of a partition's stream now. Warns when the level falls, and says when it
   * is back.
   */
  readonly note: (partition: number, info: StreamInfo) => Effect.Effect<void>
  /** How an acknowledged write can be lost now, and what to do about it; `null` when none can. */
  readonly doubt: string | null
}

const keepingOf = (info: StreamInfo): Keeping => ({
  replicas: replicasOf(info),
  storage: info.config.storage === StorageType.Memory ? "memory" : "file",
})

/** @param server what to call it in a message */
export const make = (server: string, partitions: number, opened: Keeping, sync: Sync): Level => {
  const declared = durabilityOf(opened, sync)
  const found: Array<Keeping> = Array.from({ length: partitions }, () => opened)
  const levelNow = (): EventLog.Durability => {
    const levels = found.map((keeping) => durabilityOf(keeping, sync))
    return EventLog.levels.find((level) => levels.includes(level)) ?? declared
  }
  let current = declared
  /** The stream that keeps less than was declared, and how. */
  let fallen: string | null = null
  return {
    get doubt() {
      return fallen ?? warningOf(opened, sync)
    },
    get current() {
      return current
    },
    note: (partition, info) =>
      Effect.suspend(() => {
        const keeping = keepingOf(info)
        found[partition] = keeping
        const before = current
        current = levelNow()
        if (!EventLog.isLower(current, declared)) fallen = null
        if (current === before) return Effect.void
        const { replicas, storage } = keeping
        const stream = `stream "${info.config.name}" has ${replicas === 1 ? "one replica" : `${replicas} replicas`} in ${storage}`
        const now = `${server}: acknowledged events are at level "${current}" now, before at "${before}": ${stream}`
        if (!EventLog.isLower(current, before)) return Effect.logInfo(now)
        const warning = warningOf(keeping, sync)
        fallen = warning === null ? stream : `${stream}: ${warning}`
        return Effect.logWarning(warning === null ? now : `${now}; ${warning}`)
      }),
  }
}
