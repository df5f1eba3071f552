import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Entry from "../Entry.ts"
import type { LogEntry } from "../EventLog.ts"
import type { Position } from "../Position.ts"
import { StoreError } from "../StoreError.ts"
import { type Item, makeItem } from "./Feed.ts"

const decodeItem = (before: Position, entry: LogEntry, readAt: number): Result.Result<Item, StoreError> =>
  Result.mapBoth(Entry.decode(entry), {
    onFailure: ({ message }) =>
      new StoreError({
        reason: { _tag: "Corrupt" },
        message: `the entry at ${entry.position} cannot be read: ${message}`,
      }),
    onSuccess: (decoded) =>
      makeItem(before, entry.position, decoded, entry.body.length + entry.envelope.length, readAt),
  })

/**
 * Entries that were read and not looked at yet. They are decoded one by one, when they are wanted: what is decoded long before it is sent outlives the
 * garbage collector's young generation, which costs as much as decoding it.
 */
export class ReadAhead {
  private entries: ReadonlyArray<LogEntry> = []
  private next = 0
  /** Where the next entry was read after. */
  private before: Position | null = null

  /** Whether it has the entry after a position. */
  has(after: Position): boolean {
    return this.before === after && this.next < this.entries.length
  }

  /** Takes in consecutive entries, the first of which was read after `after`, for what it has. */
  fill(after: Position, entries: ReadonlyArray<LogEntry>): void {
    this.entries = entries
    this.next = 0
    this.before = after
  }

  clear(): void {
    this.entries = []
    this.before = null
  }

  /**
   * Decodes one entry after the other, from the one after a position on, for as long as it has some and `look`, which is told of each, says so. An entry that cannot
   * be read is the next one again.
   */
  each(after: Position, look: (item: Item) => boolean): Effect.Effect<void, StoreError> {
    return Effect.clockWith((clock) => {
      const readAt = clock.currentTimeMillisUnsafe()
      let goOn = this.has(after)
      while (goOn && this.next < this.entries.length) {
        const entry = this.entries[this.next]!
        const item = decodeItem(this.before!, entry, readAt)
        if (Result.isFailure(item)) return Effect.fail(item.failure)
        this.next += 1
        this.before = entry.position
        goOn = look(item.success)
      }
      if (this.next === this.entries.length) this.clear()
      return Effect.void
    })
  }
}
