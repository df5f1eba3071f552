import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Entry from "../entry/Entry.ts"
import type { EventLog, LogEntry } from "../ports/EventLog.ts"
import type { Position } from "../ports/Position.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { CompiledSelection, SelectionOptions } from "../select/Destination.ts"
import { textExporter } from "../select/Export.ts"
import { passes } from "../select/Filter.ts"
import { anyGlob } from "../select/glob.ts"
import { WebhookEvent } from "../select/WebhookEvent.ts"

export const TailOptions = Schema.Struct({
  /**
   * Only what this destination gets, in the form it gets it; without it all events, internal ones
   * too.
   */
  destination: Schema.optionalKey(Schema.String),
  /** Globs: only events one of them matches, by the name they are sent under. */
  names: Schema.optionalKey(Schema.Array(Schema.String)),
})

export type TailOptions = typeof TailOptions.Type

/**
 * An event as it is sent, or how many the log has dropped before a reader that is too slow has come
 * to them.
 */
export const Tailed = Schema.Union([
  Schema.Struct({ event: WebhookEvent }),
  Schema.Struct({ missed: Schema.Int }),
]).annotate({
  identifier: "Tailed",
  description: "An event, or how many were dropped before this reader had come to them.",
})

export type Tailed = typeof Tailed.Type

/** Lets every event through, as it is sent by default. */
export const everything: SelectionOptions = { filter: { categories: { internal: true } } }

type Log = EventLog["Service"]

/** Little: whoever looks on gets what there is at once, in small portions. */
const readLimits = { maxEntries: 64, maxBytes: 256 * 1024 }

const look = (
  entry: LogEntry,
  { filter, exportRule }: CompiledSelection,
  isNamed: (eventName: string) => boolean,
): ReadonlyArray<Tailed> => {
  const decoded = Entry.decode(entry)
  // What lanes cannot read either is theirs to report.
  if (Result.isFailure(decoded)) return []
  const toText = textExporter(decoded.success, exportRule)
  return decoded.success.events.flatMap((event, index) => {
    if (!passes(filter, event, index, decoded.success)) return []
    const text = toText(event, index)
    if (typeof text !== "string") return []
    const exported = JSON.parse(text) as WebhookEvent
    return isNamed(exported.eventName) ? [{ event: exported }] : []
  })
}

interface Place {
  readonly position: Position
  /** The log's running sum there. */
  readonly events: number
}

const tailOf = (
  log: Log,
  partition: number,
  start: Place,
  selection: CompiledSelection,
  isNamed: (eventName: string) => boolean,
): Stream.Stream<Tailed, StoreError> =>
  Stream.paginate(start, ({ position, events }) =>
    Effect.gen(function* () {
      yield* log.wait(partition, position)
      const entries = yield* log.read(partition, position, readLimits)
      const next = {
        position: entries.at(-1)?.position ?? position,
        events: entries.reduce((sum, entry) => sum + entry.events, events),
      }
      return [entries.flatMap((entry) => look(entry, selection, isNamed)), Option.some(next)] as const
    }).pipe(
      Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
        Effect.map(log.stats(partition, resumeAt), (at) => {
          const missed: ReadonlyArray<Tailed> = at.events > events ? [{ missed: at.events - events }] : []
          return [missed, Option.some({ position: resumeAt, events: at.events })] as const
        }),
      ),
    ),
  )

/**
 * What is accepted from now on, in the order of the log, for as long as it is read. Reads the log
 * and nothing else, so nobody waits for a slow reader. Has begun when the effect returns.
 */
export const follow = Effect.fnUntraced(function* (
  log: Log,
  selection: CompiledSelection,
  { names = ["*"] }: Pick<TailOptions, "names"> = {},
): Effect.fn.Return<Stream.Stream<Tailed, StoreError>, StoreError> {
  const isNamed = anyGlob(names)
  const tails: Array<Stream.Stream<Tailed, StoreError>> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const { head } = yield* log.bounds(partition)
    const { events } = yield* log.stats(partition, head)
    tails.push(tailOf(log, partition, { position: head, events }, selection, isNamed))
  }
  return tails.length === 1 ? tails[0]! : Stream.mergeAll(tails, { concurrency: "unbounded" })
})
