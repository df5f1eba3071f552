import type { EventLog, StoreError } from "@millrace/core"
import { CursorName, type Cursors } from "@millrace/core/store"
import * as Effect from "effect/Effect"

/** When the oldest entry that a live cursor has not passed was appended, by destination. */
export const oldestPending: (
  log: EventLog.EventLog["Service"],
  cursors: Cursors.Cursors["Service"],
) => Effect.Effect<ReadonlyMap<string, number>, StoreError> = Effect.fnUntraced(function* (log, cursors) {
  const oldest = new Map<string, number>()
  for (const { name, record } of yield* cursors.list) {
    const parsed = CursorName.parseCursorName(name)
    if (parsed === null || parsed.replay !== null || record === null) continue
    if (parsed.partition >= log.partitions) continue
    const { destination, partition } = parsed
    const at = yield* log.read(partition, record.position, { maxEntries: 1, maxBytes: 1 }).pipe(
      Effect.map(([first]) => first?.appendedAt ?? null),
      Effect.catchReason("StoreError", "OutOfRange", () =>
        Effect.map(log.bounds(partition), ({ oldestAt }) => oldestAt),
      ),
    )
    if (at !== null) oldest.set(destination, Math.min(at, oldest.get(destination) ?? at))
  }
  return oldest
})
