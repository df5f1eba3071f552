import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Entry from "../../entry/Entry.ts"
import { subjectOf } from "../../entry/subject.ts"
import type { EventLog, LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import { partitionOf } from "../../select/partition.ts"
import type { Strand } from "./plan.ts"
import type { Progress } from "./progress.ts"

/**
 * Far fewer than the entries whose ids a log remembers: a page that is copied twice is stored once.
 */
export const maxEntriesPerPage = 256

const maxBytesPerPage = 4 * 1024 * 1024

/**
 * Entries that arrived within so many ms are appended together, as if they had all come with the
 * first.
 */
const together = 1000

interface Options<E> {
  readonly source: EventLog["Service"]
  readonly target: EventLog["Service"]
  readonly strands: ReadonlyArray<Strand>
  readonly entriesPerPage: number
  /** Every page is followed by it. */
  readonly save: (progress: Progress) => Effect.Effect<void, E>
}

/** As intake would have it: what one user's client sent stays together. */
const targetOf = (entry: LogEntry, partitions: number): number => {
  const subject = () => {
    const decoded = Result.getOrUndefined(Entry.decode(entry))
    const first = decoded?.events[0]
    return first === undefined ? "" : subjectOf(first.user, first.statsigMetadata, decoded!.statsigMetadata)
  }
  return partitionOf(partitions, subject, entry.id)
}

/** The same clock, but for the time it says. */
const saying = (clock: Clock.Clock, millis: number): Clock.Clock => ({
  currentTimeMillisUnsafe: () => millis,
  currentTimeMillis: Effect.succeed(millis),
  currentTimeNanosUnsafe: () => BigInt(millis) * 1_000_000n,
  currentTimeNanos: Effect.succeed(BigInt(millis) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => clock.sleep(duration),
})

/** In pieces of what arrived together. */
const pieces = (entries: ReadonlyArray<LogEntry>): ReadonlyArray<ReadonlyArray<LogEntry>> => {
  const found: Array<Array<LogEntry>> = []
  for (const entry of entries) {
    const last = found.at(-1)
    if (last !== undefined && entry.appendedAt - last[0]!.appendedAt < together) last.push(entry)
    else found.push([entry])
  }
  return found
}

const sum = (entries: ReadonlyArray<LogEntry>, of: (entry: LogEntry) => number): number =>
  entries.reduce((total, entry) => total + of(entry), 0)

/** Copies what the strands say, from where an earlier run has left off. */
export const copyLog = Effect.fnUntraced(function* <E>(
  { source, target, strands, entriesPerPage, save }: Options<E>,
  begun: Progress,
) {
  const clock = yield* Clock.Clock
  const page = { maxEntries: Math.min(entriesPerPage, maxEntriesPerPage), maxBytes: maxBytesPerPage }
  let progress = begun

  const append = Effect.fnUntraced(function* (strand: Strand, at: number, entries: ReadonlyArray<LogEntry>) {
    const dealt = new Map<number, Array<LogEntry>>()
    const targets = entries.map((entry) => {
      const partition = strand.targets[targetOf(entry, strand.targets.length)]!
      const others = dealt.get(partition)
      if (others === undefined) dealt.set(partition, [entry])
      else others.push(entry)
      return partition
    })
    const now = clock.currentTimeMillisUnsafe()
    const time = saying(clock, Math.min(entries[0]!.appendedAt, now))
    const appended = new Map<number, Array<Position>>()
    for (const [partition, some] of dealt) {
      const positions = yield* Effect.provideService(target.append(some, partition), Clock.Clock, time)
      appended.set(partition, [...positions])
    }

    const from = strand.sources[at]!
    const heads = [...progress.heads]
    const landings = [...progress.landings]
    // They are in order, so those that have landed are the first.
    const marks = strand.marks[at]!.slice(landings.filter(({ source }) => source === from).length)
    for (const [index, { position }] of entries.entries()) {
      const partition = targets[index]!
      while (marks[0] !== undefined && marks[0] < position) {
        const [after, before] = [marks.shift()!, heads[partition]!]
        landings.push({ source: from, after, target: partition, before, entry: position })
      }
      heads[partition] = appended.get(partition)!.shift()!
    }
    progress = { ...progress, heads, landings }
  })

  const copyPage = Effect.fnUntraced(function* (strand: Strand, at: number, stop: Position) {
    const from = progress.at[at]!
    const found = yield* source.read(strand.sources[at]!, from, page)
    const entries = found.filter(({ position }) => position <= stop)
    for (const piece of pieces(entries)) yield* append(strand, at, piece)
    const isThere = found.length === 0 || entries.length < found.length
    const reached = isThere ? stop : entries.at(-1)!.position
    progress = {
      ...progress,
      at: progress.at.map((position, index) => (index === at ? reached : position)),
      entries: progress.entries + entries.length,
      events: progress.events + sum(entries, ({ events }) => events),
      bytes: progress.bytes + sum(entries, ({ envelope, body }) => envelope.length + body.byteLength),
    }
    yield* save(progress)
  })

  for (const strand of strands.slice(progress.strand)) {
    if (progress.at.length === 0)
      progress = { ...progress, at: strand.start, places: [...progress.places, []] }
    for (const stop of strand.stops.slice(progress.places.at(-1)!.length)) {
      for (const [at, position] of stop.entries()) {
        while (progress.at[at]! < position) yield* copyPage(strand, at, position)
      }
      const place = strand.targets.map((partition) => progress.heads[partition]!)
      const places = [...progress.places.slice(0, -1), [...progress.places.at(-1)!, place]]
      progress = { ...progress, places }
    }
    progress = { ...progress, strand: progress.strand + 1, at: [] }
  }
  yield* save(progress)
  return progress
})
