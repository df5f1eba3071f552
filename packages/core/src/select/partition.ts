import { hash32 } from "../base/hash32.ts"
import type { EntryId } from "../ports/EventLog.ts"

/**
 * Which partition a request goes to, whole: what one user's client sends stays in one, and so in
 * order. A request of nobody goes by its own id.
 *
 * Not by the hash that deals a lane's users to its requests: all users of a partition would be
 * dealt alike.
 */
export const partitionOf = (partitions: number, subject: () => string, id: EntryId): number =>
  partitions === 1 ? 0 : hash32(`partition ${subject() || id}`) % partitions
