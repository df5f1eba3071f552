import * as Effect from "effect/Effect"
import { type Attempt, type Attempts, limits } from "../ports/Attempts.ts"
import type { EventLog, LogEntry } from "../ports/EventLog.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { CompiledSelection } from "../select/Destination.ts"
import { passes } from "../select/Filter.ts"
import { UnknownAttempt } from "./OperatorError.ts"
import type { AttemptDetail } from "./rows/destinations.ts"
import { maxShown } from "./rows/events.ts"
import { entryAt } from "./watch/entryAt.ts"
import { leaves } from "./watch/leaving.ts"
import { readEntry } from "./watch/readEntry.ts"
import { type Reading, readOn } from "./watch/slices.ts"

type Log = EventLog["Service"]

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
  const isFull = () => texts.length >= events || length >= maxShown
  let entries: ReadonlyArray<LogEntry> = [beginning]
  let left: Reading | null = { partition, after: first[0], end: last[0] }
  for (let read = 0; entries.length > 0 && read < maxEntries; read += entries.length) {
    for (const entry of entries) {
      const decoded = yield* readEntry(entry)
      const from = entry.position === first[0] ? first[1] : 0
      const to = entry.position === last[0] ? last[1] : Number.POSITIVE_INFINITY
      for (const [index, event] of (decoded?.events ?? []).entries()) {
        if (index < from || index > to || isFull()) continue
        const text = passes(filter, event, index, decoded!)
          ? leaves(decoded!, event, index, exportRule)
          : null
        if (text === null) continue
        texts.push(text)
        length += text.length
      }
    }
    yield* Effect.yieldNow
    if (left === null || left.after >= left.end || isFull()) break
    ;[entries, left] = yield* readOn(log, left)
  }
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
