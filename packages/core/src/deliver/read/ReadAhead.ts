import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { monotonicMillisOf } from "../../base/monotonic.ts"
import { inTurns } from "../../base/turns.ts"
import * as Entry from "../../entry/Entry.ts"
import { mayWant } from "../../entry/envelopeNames.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import { StoreError } from "../../ports/StoreError.ts"
import { type Item, makeItem } from "./Feed.ts"

/** As the log counts it. */
export const sizeOf = ({ body, envelope, leftOut = 0 }: LogEntry): number =>
  body.length + leftOut + envelope.length

type Decoded = Result.Result<Entry.DecodedEntry, Entry.EntryError>

const itemOf = (
  before: Position,
  entry: LogEntry,
  decoded: Decoded,
  readAt: number,
): Result.Result<Item, StoreError> =>
  Result.mapBoth(decoded, {
    onFailure: ({ message }) =>
      new StoreError({
        reason: { _tag: "Corrupt" },
        message: `the entry at ${entry.position} cannot be read: ${message}`,
      }),
    onSuccess: (one) => makeItem(before, entry.position, one, sizeOf(entry), readAt),
  })

/** Looks at entries one after the other. */
export interface Reader {
  /** Whether any event of this name may be wanted. */
  readonly wants: (eventName: string) => boolean
  readonly look: (item: Item) => void
  /** Told of an entry none of whose events is wanted. */
  readonly pass: (entry: LogEntry) => void
  /** Asked after each entry. */
  readonly goOn: () => boolean
  /**
   * Whether the next entry to look at is still the one after this position: asked when a large one
   * was decoded, which others may have gone on during.
   */
  readonly isAt: (before: Position) => boolean
}

/**
 * Entries that were read and not looked at yet. They are decoded one by one, when they are wanted:
 * what is decoded long before it is sent outlives the garbage collector's young generation, and is
 * copied there for nothing.
 */
export class ReadAhead {
  private entries: ReadonlyArray<LogEntry> = []
  private next = 0
  /** Where the next entry was read after. */
  private before: Position | null = null

  /** Whether it has the entry after a position. */
  has(after: Position): boolean {
    return this.peek(after) !== undefined
  }

  /** The entry after a position, if it has that. */
  peek(after: Position): LogEntry | undefined {
    return this.before === after ? this.entries[this.next] : undefined
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
   * Shows a reader one entry after the other, from the one after a position on, for as long as it
   * has some and the reader goes on. One that cannot be decoded is the next one again; with one
   * whose body was left out and that is wanted by now, it has no more.
   */
  show(after: Position, reader: Reader): Effect.Effect<void, StoreError> {
    return Effect.clockWith((clock) => this.showMore(this.has(after), reader, monotonicMillisOf(clock)))
  }

  private showMore(goOn: boolean, reader: Reader, readAt: number): Effect.Effect<void, StoreError> {
    let isMore = goOn
    while (isMore && this.next < this.entries.length) {
      const entry = this.entries[this.next]!
      if (mayWant(entry.envelope, reader.wants)) {
        // It was not when it was read: it has to be read again.
        if (entry.leftOut !== undefined) break
        if (entry.body.length > Entry.atOnce) return this.showLarge(entry, reader, readAt)
        const item = itemOf(this.before!, entry, Entry.decode(entry), readAt)
        if (Result.isFailure(item)) return Effect.fail(item.failure)
        reader.look(item.success)
      } else reader.pass(entry)
      isMore = this.passed(entry, reader)
    }
    if (isMore || this.next === this.entries.length) this.clear()
    return Effect.void
  }

  /** Others have their turns while a large entry is decoded. */
  private showLarge(entry: LogEntry, reader: Reader, readAt: number): Effect.Effect<void, StoreError> {
    return Effect.flatMap(inTurns(Entry.decodeInSlices(entry)), (decoded) => {
      const { before } = this
      if (this.entries[this.next] !== entry || before === null || !reader.isAt(before)) {
        this.clear()
        return Effect.void
      }
      const item = itemOf(before, entry, decoded, readAt)
      if (Result.isFailure(item)) return Effect.fail(item.failure)
      reader.look(item.success)
      return this.showMore(this.passed(entry, reader), reader, readAt)
    })
  }

  private passed({ position }: LogEntry, reader: Reader): boolean {
    this.next += 1
    this.before = position
    return reader.goOn()
  }
}
