import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { EventLog, LogEntry } from "../../ports/EventLog.ts"
import * as Position from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"

type Log = EventLog["Service"]

const one = { maxEntries: 1, maxBytes: 1 }

const some = { maxEntries: 256, maxBytes: 256 * 1024 }

/** The entry right behind a place; `null` when there is none, or it has been trimmed. */
export const entryBehind = (
  log: Log,
  partition: number,
  before: Position.Position,
): Effect.Effect<LogEntry | null, StoreError> =>
  log.read(partition, before, one).pipe(
    Effect.map(([entry]) => entry ?? null),
    Effect.catchReason("StoreError", "OutOfRange", () => Effect.succeed(null)),
  )

/** The entry right after the place before it, where positions are numbers. */
const byNumber = (
  log: Log,
  partition: number,
  position: Position.Position,
): Effect.Effect<LogEntry | null, StoreError> => {
  const parts = Position.parse(position)
  if (parts === null || parts.number < 1) return Effect.succeed(null)
  const before = Position.of(Position.prefixOf(parts.generation), parts.number - 1)
  return Effect.map(entryBehind(log, partition, before), (entry) =>
    entry?.position === position ? entry : null,
  )
}

/** By time, which every log can be asked for: from the last place before it, entry by entry. */
const byTime = Effect.fnUntraced(function* (
  log: Log,
  partition: number,
  position: Position.Position,
): Effect.fn.Return<LogEntry | null, StoreError> {
  const { oldestAt, tail, head } = yield* log.bounds(partition)
  if (oldestAt === null || position <= tail || position > head) return null
  let from = oldestAt
  let to = (yield* Clock.currentTimeMillis) + 1
  let after = tail
  while (from < to) {
    const middle = Math.ceil((from + to) / 2)
    const place = yield* log.locate(partition, middle)
    if (place < position) {
      after = place
      from = middle
    } else to = middle - 1
  }
  while (after < position) {
    const entries = yield* log.read(partition, after, some)
    const found = entries.find((entry) => entry.position === position)
    if (found !== undefined || entries.length === 0) return found ?? null
    after = entries.at(-1)!.position
  }
  return null
})

/** The entry at a position; `null` when the log has none there any more. */
export const entryAt = (
  log: Log,
  partition: number,
  position: Position.Position,
): Effect.Effect<LogEntry | null, StoreError> =>
  partition >= log.partitions
    ? Effect.succeed(null)
    : Effect.flatMap(byNumber(log, partition, position), (found) =>
        found !== null
          ? Effect.succeed(found)
          : Effect.catchReason(byTime(log, partition, position), "StoreError", "OutOfRange", () =>
              Effect.succeed(null),
            ),
      )
