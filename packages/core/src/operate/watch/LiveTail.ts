import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { once } from "../../base/once.ts"
import { type DeadLetters, intake } from "../../ports/DeadLetters.ts"
import type { EventLog, LogEntry, ReadLimits } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { EventQuery, EventRow } from "../rows/place.ts"
import type { Frame } from "../rows/stream.ts"
import { type CompiledQuery, compile, keyOf } from "./eventQuery.ts"
import { type Marked, rejectedRow, rowOf } from "./eventRow.ts"
import { readEntry } from "./readEntry.ts"
import type { Slot } from "./Views.ts"

/** ms from one frame to the next. */
export const frameEvery = 250

/** Rows of a frame at most: more than anybody reads in a quarter of a second. */
const maxRows = 50

/** ms of work that all narrowed views together cost in each frame: a tenth of the loop. */
const maxWork = 25

/** Sampled rows: one a frame, and after a rest so many at once. */
const maxSampled = 4

/** Events that may wait to be sampled: behind more than that, the newest are shown. */
const nearBehind = 8

const readLimits: ReadLimits = { maxEntries: 64, maxBytes: 256 * 1024 }

/** ms that a letter may have been on its way to the store before its lane counts it. */
const letterDelay = 5_000

/** How many letters are told of in a frame at most. */
const maxLetters = 50

/** And of those from before, when a view begins: as many as it may have rows, and some. */
const maxLettersBefore = 200

/** What a view looks at. */
export type Sight =
  | { readonly _tag: "All" }
  | { readonly _tag: "Rejected" }
  | { readonly _tag: "Narrowed"; readonly key: string; readonly query: CompiledQuery }

export const sightOf = (query: EventQuery | null, rejected: boolean): Sight =>
  rejected
    ? { _tag: "Rejected" }
    : query === null
      ? { _tag: "All" }
      : { _tag: "Narrowed", key: keyOf(query), query: compile(query) }

type Narrowed = Extract<Sight, { readonly _tag: "Narrowed" }>

export interface View {
  readonly sight: Sight
  readonly slot: Slot<Frame>
  /** Nothing has been told to it yet. */
  isFresh: boolean
}

/** What the tail asks of the process it runs in. */
export interface LiveOptions {
  readonly log: EventLog["Service"]
  readonly deadLetters: DeadLetters["Service"]
  /** Destinations by id, with their filters. */
  readonly marked: () => ReadonlyArray<Marked>
  readonly cursors: Effect.Effect<Frame["cursors"], StoreError>
  /** Rises with each event that dies at a destination of this process. */
  readonly died: () => number
  /** Rises with each event that is refused on arrival. */
  readonly rejected: () => number
}

/** A place in a partition, with the log's running sum there. */
interface Mark {
  readonly position: Position
  readonly events: number
}

interface Reading {
  head: Mark
  /** Up to where rows were sampled. */
  sampled: Mark
}

/** What a narrowed view found in one frame. */
interface Found {
  matched: number
  readonly rows: Array<EventRow>
}

const nanosOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe())

/** One tail of the log for all views of a process. */
export interface LiveTail {
  readonly views: Set<View>
  /** How many different things narrowed views look for. */
  readonly queries: () => ReadonlySet<string>
  /** Begins at the log's end. */
  readonly begin: Effect.Effect<void, StoreError>
  /**
   * Looks at what has come since the last frame, and tells every view of it: to be called every
   * {@link frameEvery} while somebody looks.
   */
  readonly frame: Effect.Effect<void, StoreError>
}

const tagOf = (sight: Sight): string => (sight._tag === "Narrowed" ? sight.key : sight._tag)

export const make = (options: LiveOptions): LiveTail => {
  const { log, deadLetters } = options
  const views = new Set<View>()
  let readings: ReadonlyArray<Reading> = []
  let sampleCredit = maxSampled
  let turn = 0
  let died = 0
  let rejected = 0
  let lastAt = 0

  const headOf = (partition: number): Effect.Effect<Mark, StoreError> =>
    Effect.flatMap(log.bounds(partition), ({ head }) => {
      const known = readings[partition]?.head
      // Nothing new: what its sum is was asked before.
      if (known?.position === head) return Effect.succeed(known)
      return Effect.map(log.stats(partition, head), ({ events }) => ({ position: head, events }))
    })

  /** Reads what lies behind a place, or behind what the log has dropped there. */
  const read = (
    partition: number,
    after: Position,
    limits: ReadLimits,
    wants?: (envelope: string) => boolean,
  ) =>
    log
      .read(partition, after, limits, wants)
      .pipe(
        Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
          log.read(partition, resumeAt, limits, wants),
        ),
      )

  /** Decodes one entry, whatever has come: all views without a query share its rows. */
  const sample = Effect.fnUntraced(function* (
    before: ReadonlyArray<Mark>,
    marked: ReadonlyArray<Marked>,
  ): Effect.fn.Return<ReadonlyArray<EventRow>, StoreError> {
    sampleCredit = Math.min(sampleCredit + 1, maxSampled)
    for (const [partition, reading] of readings.entries()) {
      const { head, sampled } = reading
      const last = before[partition]!
      const isFarBehind = head.events - sampled.events > nearBehind
      if (isFarBehind && last.position > sampled.position && last.position < head.position) {
        reading.sampled = last
      }
    }
    for (let step = 0; step < readings.length; step++) {
      const partition = (turn + step) % readings.length
      const reading = readings[partition]!
      if (reading.sampled.position === reading.head.position) continue
      turn = partition + 1
      const [entry] = yield* read(partition, reading.sampled.position, { maxEntries: 1, maxBytes: 1 })
      reading.sampled =
        entry === undefined
          ? reading.head
          : { position: entry.position, events: reading.sampled.events + entry.events }
      const decoded = entry === undefined ? null : yield* readEntry(entry)
      if (entry === undefined || decoded === null) continue
      const count = decoded.events.length
      const shown = Math.min(sampleCredit, count)
      sampleCredit -= shown
      return Array.from({ length: shown }, (_, index) =>
        rowOf(partition, entry, decoded, Math.floor((index * count) / shown), marked),
      )
    }
    return []
  })

  const lookInto = Effect.fnUntraced(function* (
    partition: number,
    entry: LogEntry,
    sights: ReadonlyArray<Narrowed>,
    found: ReadonlyMap<string, Found>,
    marked: ReadonlyArray<Marked>,
  ) {
    if (entry.leftOut !== undefined) return
    const asking = sights.filter(({ query }) => query.mayMatch(entry.envelope) && query.mayHold(entry.body))
    if (asking.length === 0) return
    const decoded = yield* readEntry(entry)
    if (decoded === null) return
    const rows = new Map<number, EventRow>()
    for (const { key, query } of asking) {
      const matches = query.of(entry, decoded)
      const one = found.get(key)!
      for (let index = 0; index < decoded.events.length; index++) {
        if (!matches(index)) continue
        one.matched += 1
        if (one.rows.length >= maxRows) continue
        const row = rows.get(index) ?? rowOf(partition, entry, decoded, index, marked)
        rows.set(index, row)
        one.rows.push(row)
      }
    }
  })

  /** Looks through all that has come, as far as the time for it goes: the rest is passed over. */
  const search = Effect.fnUntraced(function* (
    before: ReadonlyArray<Mark>,
    sights: ReadonlyArray<Narrowed>,
    marked: ReadonlyArray<Marked>,
  ): Effect.fn.Return<{ looked: number; found: ReadonlyMap<string, Found> }, StoreError> {
    const clock = yield* Clock.Clock
    const found = new Map(sights.map(({ key }): [string, Found] => [key, { matched: 0, rows: [] }]))
    const wants = (envelope: string): boolean => sights.some(({ query }) => query.mayMatch(envelope))
    let work = 0
    let looked = 0
    for (const [partition, { head }] of readings.entries()) {
      let { position } = before[partition]!
      while (position < head.position && work < maxWork) {
        const entries = yield* read(partition, position, readLimits, wants)
        if (entries.length === 0) break
        for (const entry of entries) {
          const began = nanosOf(clock)
          yield* lookInto(partition, entry, sights, found, marked)
          position = entry.position
          looked += entry.events
          work += (nanosOf(clock) - began) / 1e6
          if (work >= maxWork || position >= head.position) break
        }
      }
    }
    return { looked, found }
  })

  /** Asks the store when something has died here meanwhile, and not otherwise. */
  const newlyDead = Effect.suspend((): Effect.Effect<Frame["dead"], StoreError> => {
    const count = Math.min(options.died() - died, maxLetters)
    died = options.died()
    if (count <= 0) return Effect.succeed([])
    const since = lastAt - letterDelay
    // Letters of intake stand among the newest, too.
    return Effect.map(deadLetters.list({ limit: count * 2 }), ({ letters }) =>
      letters
        .filter(({ destination, deadAt }) => destination !== intake && deadAt >= since)
        .slice(0, count)
        .map(({ destination, eventId }) => [destination, eventId] as const),
    )
  })

  /** What has died of late, for rows that a view has from before. */
  const deadBefore: Effect.Effect<Frame["dead"], StoreError> = Effect.map(
    deadLetters.list({ limit: maxLettersBefore }),
    ({ letters }) =>
      letters
        .filter(({ destination }) => destination !== intake)
        .map(({ destination, eventId }) => [destination, eventId] as const),
  )

  /** The newest, the last one behind the others. */
  const lettersOfIntake = (count: number): Effect.Effect<ReadonlyArray<EventRow>, StoreError> =>
    count <= 0
      ? Effect.succeed([])
      : Effect.map(deadLetters.list({ destination: intake, limit: count }), ({ letters }) =>
          letters.map(rejectedRow).reverse(),
        )

  const begin = Effect.gen(function* () {
    readings = []
    const begun: Array<Reading> = []
    for (let partition = 0; partition < log.partitions; partition++) {
      const head = yield* headOf(partition)
      begun.push({ head, sampled: head })
    }
    readings = begun
    sampleCredit = maxSampled
    died = options.died()
    rejected = options.rejected()
    lastAt = yield* Clock.currentTimeMillis
  })

  const frame = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const before = readings.map(({ head }) => head)
    let arrived = 0
    for (const [partition, reading] of readings.entries()) {
      const head = yield* headOf(partition)
      arrived += Math.max(head.events - reading.head.events, 0)
      reading.head = head
    }
    const marked = options.marked()
    const common = {
      ...{ at, arrived, missed: 0, ids: marked.map(({ id }) => id) },
      cursors: yield* options.cursors,
      dead: yield* newlyDead,
    }
    lastAt = at

    const now = [...views]
    const sights = new Map(now.map(({ sight }) => [tagOf(sight), sight]))
    const frames = new Map<string, Frame>()
    if (sights.has("All")) {
      const rows = yield* sample(before, marked)
      frames.set("All", { ...common, matched: arrived, looked: rows.length, rows })
    }
    let backlog: Frame | null = null
    if (sights.has("Rejected")) {
      const count = Math.min(options.rejected() - rejected, maxRows)
      const frameOf = (rows: ReadonlyArray<EventRow>): Frame => ({
        ...common,
        ...{ matched: rows.length, looked: rows.length, rows },
      })
      frames.set("Rejected", frameOf(yield* lettersOfIntake(count)))
      const isSomeFresh = now.some(({ sight, isFresh }) => isFresh && sight._tag === "Rejected")
      if (isSomeFresh) backlog = frameOf(yield* lettersOfIntake(maxRows))
    }
    rejected = options.rejected()
    const narrowed = [...sights.values()].filter((sight) => sight._tag === "Narrowed")
    if (narrowed.length > 0) {
      const { looked, found } = yield* search(before, narrowed, marked)
      for (const [key, { matched, rows }] of found) frames.set(key, { ...common, matched, looked, rows })
    }
    // A view begins with rows from before: what of them has died is told at first.
    const known = now.some(({ isFresh }) => isFresh) ? yield* deadBefore : []
    const first = once((told: Frame): Frame => (known.length === 0 ? told : { ...told, dead: known }))
    for (const view of now) {
      const { isFresh, sight } = view
      view.isFresh = false
      const told = (isFresh && sight._tag === "Rejected" ? backlog : null) ?? frames.get(tagOf(sight))!
      view.slot.put(isFresh ? first(told) : told)
    }
  })

  return {
    views,
    queries: () => new Set([...views].flatMap(({ sight }) => (sight._tag === "Narrowed" ? [sight.key] : []))),
    begin,
    frame,
  }
}
