import type { EventLog } from "@millrace/core/store"
import type { Sync } from "./Options.ts"
import type { Layout } from "./Schema.ts"

/** How a stream keeps what it has taken. */
export type Keeping = Pick<Layout, "replicas" | "storage">

/** What an acknowledged append has survived on streams of this layout. */
export const durabilityOf = ({ replicas, storage }: Keeping, sync: Sync): EventLog.Durability => {
  if (storage === "memory") return "memory"
  if (replicas >= 3) return "replicated"
  return sync === "always" ? "disk" : "memory"
}

/**
 * How an acknowledged write can still be lost, and what to do about it; `null` when it takes the
 * loss of several machines or of a disk.
 */
export const warningOf = ({ replicas, storage }: Keeping, sync: Sync): string | null => {
  if (storage === "memory") {
    return "acknowledged events are in the NATS servers' memory only and end with them: set storage to file on a new prefix"
  }
  if (replicas >= 3 || sync === "always") return null
  return (
    "acknowledged events outlive a crash of nats-server but not one of its machine: it writes to disk every two minutes unless told otherwise. " +
    "Set replicas to 3 in a cluster, or sync_interval to always in the server's configuration and sync to always here"
  )
}
