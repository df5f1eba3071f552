import * as Effect from "effect/Effect"
import { type Attempt, type Attempts, limits } from "../ports/Attempts.ts"
import type { EventLog, LogEntry } from "../ports/EventLog.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { CompiledSelection } from "../select/Destination.ts"
import { UnknownAttempt } from "./OperatorError.ts"
import type { AttemptDetail } from "./rows/destinationRows.ts"
import { maxShown } from "./rows/events.ts"
import { entryAt } from "./watch/entryAt.ts"
import { leaves } from "./watch/leaving.ts"
import { readEntry } from "./watch/readEntry.ts"

type Log = EventLog["Service"]

const readLimits = { maxEntries: 64, maxBytes: 256 * 1024 }

/** Entries that are read for one attempt: what a filter leaves out lies between its events. */
const maxEntries = 10_000

/** Finds the attempt that began then; an attempt's batch has had several of one id. */
const find = Effect.fnUntraced(function* (
  attempts: Attempts["Service"],
  { destination, webhookId, startedAt }: Pick<Attempt, "destination" | "webhookId" | "startedAt">,
) {
  const limit = limits.maxFailures + limits.maxSuccesses
  const listed = yield* attempts.list({ destination, webhookId, before: startedAt + 1, limit })
  const found = listed.find((attempt) => attempt.startedAt === startedAt)
  return found === undefined ? yield* new UnknownAttempt() : found
})

/** The entry at a place and those behind it, portion by portion. */
const readFrom = Effect.fnUntraced(function* (
  log: Log,
  partition: number,
  first: LogEntry,
  each: (entry: LogEntry) => Effect.Effect<boolean>,
): Effect.fn.Return<void, StoreError> {
  let entries: ReadonlyArray<LogEntry> = [first]
  for (let read = 0; read < maxEntries && entries.length > 0; read += entries.length) {
    for (const entry of entries) if (!(yield* each(entry))) return
    yield* Effect.yieldNow
    entries = yield* log.read(partition, entries.at(-1)!.position, readLimits)
  }
})

/**
 * The events of an attempt as they would leave now, as a JSON array, whatever the format of the
 * destination; `null` when the log does not keep them any more.
 */
const remake = Effect.fnUntraced(function* (
  log: Log,
  { range, events, webhookId }: Attempt,
  { filter, exportRule }: CompiledSelection,
): Effect.fn.Return<AttemptDetail["request"], StoreError> {
  if (range === undefined) return null
  const { partition, first, last } = range
  const beginning = yield* entryAt(log, partition, first[0])
  if (beginning === null) return null
  const texts: Array<string> = []
  let length = 0
  const read = readFrom(log, partition, beginning, (entry) =>
    Effect.map(readEntry(entry), (decoded) => {
      const from = entry.position === first[0] ? first[1] : 0
      const to = entry.position === last[0] ? last[1] : Number.POSITIVE_INFINITY
      for (const [index, event] of (decoded?.events ?? []).entries()) {
        if (index < from || index > to || decoded === null) continue
        if (!filter.name(event.eventName)) continue
        if (filter.event !== null && !filter.event(event, index, decoded)) continue
        const text = leaves(decoded, event, index, exportRule)
        if (text === null) continue
        texts.push(text)
        length += text.length
        if (texts.length === events || length >= maxShown) return false
      }
      return entry.position < last[0]
    }),
  )
  // Trimmed meanwhile: what has been read is shown.
  yield* Effect.catchReason(read, "StoreError", "OutOfRange", () => Effect.void)
  return { headers: { "webhook-id": webhookId }, body: `[${texts.join(",")}]`, events: texts.length }
})

/**
 * One attempt, with its events made anew from the log.
 *
 * @param selectionOf fails where nothing is delivered, or the destination has gone
 */
export const attemptDetail = Effect.fnUntraced(function* <E>(
  { log, attempts }: { readonly log: Log; readonly attempts: Attempts["Service"] },
  selectionOf: (id: string) => Effect.Effect<CompiledSelection, E>,
  which: Pick<Attempt, "destination" | "webhookId" | "startedAt">,
): Effect.fn.Return<AttemptDetail, StoreError | UnknownAttempt> {
  const attempt = yield* find(attempts, which)
  const selection = yield* Effect.orElseSucceed(selectionOf(which.destination), () => null)
  return { attempt, request: selection === null ? null : yield* remake(log, attempt, selection) }
})
