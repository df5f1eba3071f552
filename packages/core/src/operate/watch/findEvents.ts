import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { InvalidOptions } from "../../base/InvalidOptions.ts"
import { eventIds } from "../../entry/Entry.ts"
import { isTimeUUID } from "../../entry/TimeUUID.ts"
import type { EventLog, LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { EventFound, EventSearch } from "../rows/events.ts"
import type { EventRow } from "../rows/place.ts"
import { entryBehind } from "./entryAt.ts"
import { type CompiledQuery, compile } from "./eventQuery.ts"
import { type Marked, rowOf } from "./eventRow.ts"
import { byId, nearId } from "./findById.ts"
import { readEntry } from "./readEntry.ts"
import { type Reading, readingsOf, readOn, type Slice, slicesBack } from "./slices.ts"

const limits = { usual: 100, most: 1_000 } as const

/** ms that the clocks of other processes may be ahead of this one's. */
const clockAhead = 24 * 60 * 60 * 1000

/** ms after which progress is told though a slice goes on. */
const tellEvery = 250

/** Which events are looked for: by id, or by what they are. */
interface Wanted {
  /** Whether the body of an envelope is to be looked at. */
  readonly mayMatch: (envelope: string) => boolean
  /** Whether it is to be looked at although {@link mayMatch} says no. */
  readonly isSure: (entry: LogEntry) => boolean
  readonly mayHold: (entry: LogEntry) => boolean
  readonly of: CompiledQuery["of"]
}

const wantedOf = ({ id, ...query }: EventSearch): Wanted => {
  const compiled = compile(query)
  if (id === undefined) {
    return { ...compiled, isSure: () => false, mayHold: ({ body }) => compiled.mayHold(body) }
  }
  const wanted = byId(id)
  return {
    mayMatch: wanted.mayBring,
    isSure: wanted.isOf,
    mayHold: wanted.mayHold,
    of: (entry, decoded) => {
      const isAskedFor = compiled.of(entry, decoded)
      const idOf = eventIds(decoded)
      return (index) => wanted.is(idOf(index)) && isAskedFor(index)
    },
  }
}

interface State {
  /** Slices that are left, the first one is at hand. */
  readonly slices: ReadonlyArray<Slice>
  /** `null` before the slice at hand has begun. */
  readonly readings: ReadonlyArray<Reading> | null
  /** What was found in the slice at hand, the oldest first in each partition. */
  readonly rows: ReadonlyArray<EventRow>
  readonly left: number
  readonly looked: number
  readonly backTo: number | null
  readonly toldAt: number
}

const newestFirst = (rows: ReadonlyArray<EventRow>): ReadonlyArray<EventRow> =>
  [...rows.keys()].sort((a, b) => rows[b]![1] - rows[a]![1] || b - a).map((at) => rows[at]!)

/**
 * Looks for events backwards, by slices of time that become longer, through all partitions; within
 * a slice forwards, as the log is read. Tells the newest first, and how far it has come after each
 * slice and every quarter of a second.
 */
export const findEvents = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  search: EventSearch,
  marked: ReadonlyArray<Marked>,
): Effect.fn.Return<Stream.Stream<EventFound, StoreError>, InvalidOptions | StoreError> {
  const { id, since, until, limit = limits.usual } = search
  if (id !== undefined && !isTimeUUID(id)) {
    return yield* new InvalidOptions({ problems: [{ path: "id", message: "expected a timeUUID" }] })
  }
  const now = yield* Clock.currentTimeMillis
  let oldest: number | null = null
  for (let partition = 0; partition < log.partitions; partition++) {
    const { oldestAt } = yield* log.bounds(partition)
    if (oldestAt !== null) oldest = Math.min(oldestAt, oldest ?? oldestAt)
  }
  const newest = until === undefined ? now + clockAhead : until + 1
  const back = Math.max(oldest ?? now, since ?? 0)
  const begin = Math.min(newest, Math.max(now, back))
  const slices = [
    ...(newest > begin && oldest !== null ? [{ from: begin, to: newest }] : []),
    ...slicesBack(begin, back),
  ]
  const ordered = id === undefined ? slices : nearId(id, slices)
  const isWhole = until === undefined && (since === undefined || (oldest !== null && since <= oldest))
  const { mayMatch, isSure, mayHold, of } = wantedOf(search)

  /** @param before the place before the entry, to read it whole */
  const rowsIn = Effect.fnUntraced(function* (partition: number, listed: LogEntry, before: Position) {
    const isRead = listed.leftOut === undefined
    if (!isSure(listed) && !(isRead && mayMatch(listed.envelope))) return []
    const entry = isRead ? listed : yield* entryBehind(log, partition, before)
    if (entry === null || !mayHold(entry)) return []
    const decoded = yield* readEntry(entry)
    if (decoded === null) return []
    const matches = of(entry, decoded)
    return decoded.events.flatMap((_, index) =>
      matches(index) ? [rowOf(partition, entry, decoded, index, marked)] : [],
    )
  })

  const done = ({ looked, backTo, left, slices: rest }: State): EventFound => ({
    done: { looked, backTo, isAll: isWhole && rest.length === 0 && left > 0 },
  })

  const step = Effect.fnUntraced(function* (
    state: State,
  ): Effect.fn.Return<readonly [ReadonlyArray<EventFound>, Option.Option<State>], StoreError> {
    const [slice] = state.slices
    if (slice === undefined || state.left <= 0) return [[done(state)], Option.none()]
    const readings = state.readings ?? (yield* readingsOf(log, slice))
    const [reading] = readings
    if (reading === undefined) {
      const rows = newestFirst(state.rows).slice(0, state.left)
      const next: State = {
        ...state,
        ...{ slices: state.slices.slice(1), readings: null, rows: [], left: state.left - rows.length },
        backTo: Math.min(slice.from, state.backTo ?? slice.from),
        toldAt: yield* Clock.currentTimeMillis,
      }
      const progress: EventFound = { progress: { looked: next.looked, backTo: next.backTo } }
      return [[...rows.map((row): EventFound => ({ row })), progress], Option.some(next)]
    }
    const [entries, left] = yield* readOn(log, reading, mayMatch)
    const found: Array<EventRow> = []
    let looked = state.looked
    let before = reading.after
    for (const entry of entries) {
      looked += entry.events
      found.push(...(yield* rowsIn(reading.partition, entry, before)))
      before = entry.position
    }
    yield* Effect.yieldNow
    const at = yield* Clock.currentTimeMillis
    const isDue = at - state.toldAt >= tellEvery
    const next: State = {
      ...state,
      ...{ readings: left === null ? readings.slice(1) : [left, ...readings.slice(1)], looked },
      // Only the newest of them can be told.
      rows: found.length === 0 ? state.rows : newestOf([...state.rows, ...found], state.left),
      toldAt: isDue ? at : state.toldAt,
    }
    const told: ReadonlyArray<EventFound> = isDue ? [{ progress: { looked, backTo: state.backTo } }] : []
    return [told, Option.some(next)]
  })

  const first: State = {
    ...{ slices: ordered, readings: null, rows: [], looked: 0, backTo: null, toldAt: now },
    // There is one event of an id.
    left: id === undefined ? Math.min(Math.max(limit, 1), limits.most) : 1,
  }
  return Stream.paginate(first, step)
})

/** The newest ones, in their order: only where there are many, since it takes sorting. */
const newestOf = (rows: ReadonlyArray<EventRow>, count: number): ReadonlyArray<EventRow> =>
  rows.length <= count * 2 ? rows : newestFirst(rows).slice(0, count).reverse()
