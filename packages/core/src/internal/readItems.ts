import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Entry from "../Entry.ts"
import type { LogEntry } from "../EventLog.ts"
import type { Position } from "../Position.ts"
import { StoreError } from "../StoreError.ts"
import { type Item, makeItem } from "./Feed.ts"

/** Decodes consecutive entries, the first of which was read after `after`. */
export const decodeItems = (
  after: Position,
  entries: ReadonlyArray<LogEntry>,
): Effect.Effect<ReadonlyArray<Item>, StoreError> =>
  Effect.clockWith((clock) => {
    const items: Array<Item> = []
    let before = after
    for (const entry of entries) {
      const decoded = Entry.decode(entry)
      if (Result.isFailure(decoded)) {
        return Effect.fail(
          new StoreError({
            reason: { _tag: "Corrupt" },
            message: `the entry at ${entry.position} cannot be read: ${decoded.failure.message}`,
          }),
        )
      }
      const bytes = entry.body.length + entry.envelope.length
      items.push(makeItem(before, entry.position, decoded.success, bytes, clock.currentTimeMillisUnsafe()))
      before = entry.position
    }
    return Effect.succeed(items)
  })
