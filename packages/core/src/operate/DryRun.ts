import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Count } from "../base/scalars.ts"
import * as Entry from "../entry/Entry.ts"
import type { EventLog, LogEntry } from "../ports/EventLog.ts"
import type { Position } from "../ports/Position.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { CompiledSelection } from "../select/Destination.ts"
import { textExporter } from "../select/Export.ts"
import { passes } from "../select/Filter.ts"
import { WebhookEvent } from "../select/WebhookEvent.ts"

export const DryRunOptions = Schema.Struct({
  /** How many events to look at, the newest: 1,000 by default, 100,000 at most. */
  limit: Schema.optionalKey(Count),
  /** How many events that pass to show, the newest: 5 by default, 100 at most. */
  examples: Schema.optionalKey(Count),
})

export type DryRunOptions = typeof DryRunOptions.Type

/** What a filter would have done with the newest events of the log. */
export const DryRun = Schema.Struct({
  looked: Count,
  passed: Count,
  /** How many of those that pass a transform fails on. */
  unexportable: Count,
  /** By event name as it came, how many were looked at and how many passed. */
  names: Schema.Array(Schema.Struct({ eventName: Schema.String, looked: Count, passed: Count })),
  /** As they would be sent, oldest first. */
  examples: Schema.Array(WebhookEvent),
}).annotate({ identifier: "DryRun", description: "What a filter would have done with the newest events." })

export type DryRun = typeof DryRun.Type

const defaults = { limit: 1000, examples: 5 } as const

const most = { limit: 100_000, examples: 100 } as const

const readLimits = { maxEntries: 256, maxBytes: 1024 * 1024 }

type Log = EventLog["Service"]

/**
 * Where to begin reading for the last `limit` events: a place with at least so many behind it, and
 * how many there are. The log is read forward only, so the place is looked for by time; within one
 * millisecond it cannot be told more closely.
 */
const findStart = Effect.fnUntraced(function* (log: Log, partition: number, limit: number) {
  const { tail, head, oldestAt } = yield* log.bounds(partition)
  const total = (yield* log.stats(partition, head)).events
  const behind = (position: Position) =>
    Effect.map(log.stats(partition, position), ({ events }) => total - events)
  let best = { position: tail, events: yield* behind(tail), head }
  if (oldestAt === null) return best
  let from = oldestAt
  let to = yield* Clock.currentTimeMillis
  // Twice as many as wanted are read as fast as looked for.
  while (best.events > limit * 2 && from < to) {
    const middle = Math.ceil((from + to) / 2)
    const position = yield* log.locate(partition, middle)
    const events = yield* behind(position)
    if (events >= limit) {
      best = { position, events, head }
      from = middle
    } else to = middle - 1
  }
  return best
})

const clamp = (value: number, least: number, greatest: number): number =>
  Number.isFinite(value) ? Math.min(Math.max(Math.floor(value), least), greatest) : greatest

interface Example {
  readonly receivedAt: number
  readonly text: string
}

interface Tally {
  readonly names: Map<string, { looked: number; passed: number }>
  /** The newest of the partition at hand. */
  examples: Array<Example>
  looked: number
  passed: number
  unexportable: number
}

const look = (
  tally: Tally,
  entry: LogEntry,
  skip: number,
  maxExamples: number,
  { filter, exportRule }: CompiledSelection,
): void => {
  const decoded = Entry.decode(entry)
  // What lanes cannot read either is theirs to report.
  if (Result.isFailure(decoded)) return
  const { events, receivedAt } = decoded.success
  const toText = textExporter(decoded.success, exportRule)
  for (let index = skip; index < events.length; index++) {
    const event = events[index]!
    const name = tally.names.get(event.eventName) ?? { looked: 0, passed: 0 }
    tally.names.set(event.eventName, name)
    name.looked += 1
    tally.looked += 1
    if (!passes(filter, event, index, decoded.success)) continue
    name.passed += 1
    tally.passed += 1
    const text = toText(event, index)
    if (typeof text !== "string") tally.unexportable += 1
    else if (maxExamples > 0) {
      tally.examples.push({ receivedAt, text })
      if (tally.examples.length > maxExamples) tally.examples.shift()
    }
  }
}

/**
 * Says what a filter, as a destination would have it, does with the newest events of the log, and
 * what would be sent. Nothing is sent or changed.
 */
export const run = Effect.fnUntraced(function* (
  log: Log,
  selection: CompiledSelection,
  options: DryRunOptions = {},
): Effect.fn.Return<DryRun, StoreError> {
  const limit = clamp(options.limit ?? defaults.limit, 1, most.limit)
  const maxExamples = clamp(options.examples ?? defaults.examples, 0, most.examples)
  const tally: Tally = { names: new Map(), examples: [], looked: 0, passed: 0, unexportable: 0 }

  const share = Math.ceil(limit / log.partitions)
  const examples: Array<Example> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const start = yield* findStart(log, partition, share)
    let after = start.position
    let skip = Math.max(start.events - share, 0)
    while (after < start.head) {
      const entries = yield* log.read(partition, after, readLimits).pipe(
        // Trimmed meanwhile: the newest are what is asked for.
        Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) => {
          after = resumeAt
          skip = 0
          return resumeAt < start.head ? log.read(partition, resumeAt, readLimits) : Effect.succeed([])
        }),
      )
      if (entries.length === 0) break
      for (const entry of entries) {
        if (entry.position > start.head) break
        if (skip < entry.events) look(tally, entry, skip, maxExamples, selection)
        skip = Math.max(skip - entry.events, 0)
      }
      after = entries.at(-1)!.position
      yield* Effect.yieldNow
    }
    examples.push(...tally.examples)
    tally.examples = []
  }

  const names = [...tally.names].map(([eventName, counts]) => ({ eventName, ...counts }))
  return {
    looked: tally.looked,
    passed: tally.passed,
    unexportable: tally.unexportable,
    names: names.sort((a, b) => b.looked - a.looked),
    examples: examples
      .sort((a, b) => a.receivedAt - b.receivedAt)
      .slice(-maxExamples)
      .map(({ text }) => JSON.parse(text) as WebhookEvent),
  }
})
