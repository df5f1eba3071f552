import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Count, Time } from "../base/scalars.ts"
import { parseCursorName } from "../ports/CursorName.ts"
import type { CursorRecord, Cursors } from "../ports/Cursors.ts"
import { type Destinations, Disabled } from "../ports/Destinations.ts"
import type { EventLog, LogTotals } from "../ports/EventLog.ts"
import type { Position } from "../ports/Position.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { openCircuitAfter } from "./Delivery.ts"
import * as LaneState from "./LaneState.ts"

/** How one destination is doing. */
export const DestinationStatus = Schema.Struct({
  id: Schema.String,
  /**
   * Events accepted since the destination began, by the log's counts; after a rewind some count
   * twice, after a skip some not at all.
   */
  due: Schema.Int,
  delivered: Count,
  filtered: Count,
  dead: Count,
  /** Dropped by the log before they were looked at. */
  trimmed: Count,
  /**
   * Events behind the cursor, by the log's counts at its place, and those held back as suspects.
   */
  pending: Schema.Int,
  /** Events put on the wire, every attempt counted. */
  sent: Count,
  /** Failures in a row. */
  failures: Count,
  failingSince: Schema.NullOr(Time),
  /**
   * Open from the 10th failure in a row on; half-open while an attempt, which is a probe then, is
   * under way in this process.
   */
  circuit: Schema.Literals(["closed", "open", "half-open"]),
  disabled: Schema.NullOr(Disabled),
})

export type DestinationStatus = typeof DestinationStatus.Type

/**
 * `due = delivered + filtered + dead + trimmed + pending`: the log counts the ends, the cursor's
 * record the rest.
 */
export const addsUp = (row: DestinationStatus): boolean =>
  row.due === row.delivered + row.filtered + row.dead + row.trimmed + row.pending && row.sent >= row.delivered

export interface LedgerPorts {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly destinations: Destinations["Service"]
}

const blank = (id: string, disabled: Disabled | null): DestinationStatus => ({
  id,
  due: 0,
  delivered: 0,
  filtered: 0,
  dead: 0,
  trimmed: 0,
  pending: 0,
  sent: 0,
  failures: 0,
  failingSince: null,
  circuit: "closed",
  disabled,
})

type ByPlace<A> = (partition: number, position: Position) => Effect.Effect<A, StoreError>

/** Asks once for each place of a log: most cursors stand where others do. */
const onceEach = <A>(ask: ByPlace<A>): ByPlace<A> => {
  const known = new Map<string, Result.Result<A, StoreError>>()
  return (partition, position) => {
    const key = `${partition} ${position}`
    const found = known.get(key)
    if (found !== undefined) return Effect.fromResult(found)
    return Effect.flatMap(Effect.result(ask(partition, position)), (result) => {
      known.set(key, result)
      return Effect.fromResult(result)
    })
  }
}

/** By the log's own counts, and as the lane of a cursor will find it. */
interface Account {
  /** Where its destination began: the sum of events there. */
  readonly from: number
  /** Events behind its place. */
  readonly lag: number
  /** How many of them are settled all the same, with the open batch. */
  readonly ahead: number
}

/**
 * Where the log no longer reaches back to the place, all that is left unaccounted for lags: the
 * lane will count what is missing as trimmed when it gets there. Where the log has lost the place,
 * the lane will go on behind what is left, and what it did with the rest has never been due.
 */
const accountOf = (
  statsAt: ByPlace<LogTotals>,
  partition: number,
  { position, index }: CursorRecord,
  state: LaneState.LaneState,
  events: number,
) => {
  const looked = LaneState.looked(state)
  const ahead = LaneState.settledAhead(state)
  const { from } = state
  return statsAt(partition, position).pipe(
    Effect.map((at): Account => ({ from, lag: events - at.events - index, ahead })),
    Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
      resumeAt > position
        ? Effect.succeed<Account>({ from, lag: events - from - looked + ahead, ahead })
        : Effect.map(
            statsAt(partition, resumeAt),
            (at): Account => ({ from: at.events - looked, lag: events - at.events, ahead: 0 }),
          ),
    ),
  )
}

/** How many events a partition has had in all. */
const eventsIn = (log: EventLog["Service"], partition: number): Effect.Effect<number, StoreError> =>
  Effect.flatMap(log.bounds(partition), ({ head }) =>
    Effect.map(log.stats(partition, head), ({ events }) => events),
  )

/** Only when they were appended is asked. */
const noBodies = (): boolean => false

/**
 * A row for every destination that has a cursor, or is configured, by id. Replays have no rows:
 * their events were counted before.
 */
export const read = Effect.fnUntraced(function* ({ log, cursors, destinations }: LedgerPorts) {
  const rows = new Map<string, DestinationStatus>()
  for (const { id, disabled } of yield* destinations.list) rows.set(id, blank(id, disabled))
  /** By partition, once for all cursors: what was listed before stands behind none of them. */
  const ends = new Map<number, number>()
  const statsAt = onceEach((partition, position) => log.stats(partition, position))
  for (const { name, record } of yield* cursors.list) {
    const parsed = parseCursorName(name)
    const state = record === null ? null : LaneState.decode(record.state)
    if (parsed === null || parsed.replay !== null || record === null || state === null) continue
    if (parsed.partition >= log.partitions) continue
    const events = ends.get(parsed.partition) ?? (yield* eventsIn(log, parsed.partition))
    ends.set(parsed.partition, events)
    const { from, lag, ahead } = yield* accountOf(statsAt, parsed.partition, record, state, events)
    const row = rows.get(parsed.destination) ?? blank(parsed.destination, null)
    const failures = Math.max(row.failures, state.failures)
    rows.set(row.id, {
      ...row,
      due: row.due + events - from,
      delivered: row.delivered + state.delivered,
      filtered: row.filtered + state.filtered,
      dead: row.dead + state.dead,
      trimmed: row.trimmed + state.trimmed,
      pending: row.pending + lag - ahead + state.suspects.length,
      sent: row.sent + state.sent,
      failures,
      failingSince: row.failingSince ?? state.failingSince,
      circuit: failures >= openCircuitAfter ? "open" : "closed",
    })
  }
  return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
})

/** Before the oldest event that is pending: one that is held back stands before the cursor. */
const firstPending = ({ position, state }: CursorRecord): Position => {
  const suspects = LaneState.decode(state)?.suspects ?? []
  return suspects.reduce((first, { after }) => (after < first ? after : first), position)
}

/**
 * When the entry of the oldest event that is pending was appended, by destination.
 *
 * @param isAskedFor spares looking for that of the others
 */
export const oldestPending = Effect.fnUntraced(function* (
  { log, cursors }: Pick<LedgerPorts, "log" | "cursors">,
  isAskedFor: (destination: string) => boolean = () => true,
): Effect.fn.Return<ReadonlyMap<string, number>, StoreError> {
  const oldest = new Map<string, number>()
  const appendedAfter = onceEach((partition, position) =>
    log.read(partition, position, { maxEntries: 1, maxBytes: 1 }, noBodies).pipe(
      Effect.map(([first]) => first?.appendedAt ?? null),
      Effect.catchReason("StoreError", "OutOfRange", () =>
        Effect.map(log.bounds(partition), ({ oldestAt }) => oldestAt),
      ),
      // What cannot be read any more is told by those who read it to deliver it.
      Effect.catchReason("StoreError", "Corrupt", () => Effect.succeed(null)),
    ),
  )
  for (const { name, record } of yield* cursors.list) {
    const parsed = parseCursorName(name)
    if (parsed === null || parsed.replay !== null || record === null) continue
    const { destination, partition } = parsed
    if (partition >= log.partitions || !isAskedFor(destination)) continue
    const at = yield* appendedAfter(partition, firstPending(record))
    if (at !== null) oldest.set(destination, Math.min(at, oldest.get(destination) ?? at))
  }
  return oldest
})
