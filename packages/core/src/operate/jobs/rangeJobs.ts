import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as LaneState from "../../deliver/LaneState.ts"
import { parseCursorName } from "../../ports/CursorName.ts"
import type { Cursors } from "../../ports/Cursors.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Job } from "../rows/jobs.ts"
import { outdated } from "./letterJobs.ts"

interface Ports {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  /** What a cursor's lane remembers now, or did in its end, as far as it ran here. */
  readonly stateOf: (cursor: string) => LaneState.LaneState | null
}

/** One partition's part of a replay. */
interface Part {
  readonly total: number | null
  readonly state: LaneState.LaneState
  readonly isDone: boolean
}

interface Kept {
  readonly name: string
  readonly destination: string
  /** By cursor name. */
  readonly parts: Map<string, Part>
  endedAt: number | null
  stopped: string | null
}

/**
 * Replays of ranges, as their cursors tell of them. A part that has come to its end has no cursor
 * any more: what was last seen of it is kept here, by the process that was asked.
 */
export interface RangeJobs {
  readonly list: Effect.Effect<ReadonlyArray<Job>, StoreError>
  /** The cursors of a replay that has not come to its end. */
  readonly cursorsOf: (name: string) => Effect.Effect<ReadonlyArray<string>, StoreError>
  readonly stopped: (name: string) => Effect.Effect<void, StoreError>
}

/** The name says when it was begun: see `replayCursor.ts`. */
const startedAt = (name: string): number | null => {
  const [, millis] = /^replay-(\d{1,15})\+*$/.exec(name) ?? []
  return millis === undefined ? null : Number(millis)
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, one) => total + one, 0)

const jobOf = ({ name, destination, parts, endedAt, stopped }: Kept): Job => {
  const all = [...parts.values()]
  const count = (of: (state: LaneState.LaneState) => number) => sum(all.map(({ state }) => of(state)))
  const totals = all.map(({ total }) => total)
  const looked = all.map(({ state, isDone, total }) => {
    const seen = LaneState.looked(state) + LaneState.settledAhead(state)
    return isDone && stopped === null ? (total ?? seen) : seen
  })
  return {
    name,
    kind: "range",
    destination,
    total: totals.includes(null) ? null : sum(totals.map((total) => total ?? 0)),
    looked: sum(looked),
    delivered: count(({ delivered }) => delivered),
    filtered: count(({ filtered }) => filtered),
    failed: count(({ dead, trimmed }) => dead + trimmed),
    startedAt: startedAt(name),
    endedAt,
    stopped,
  }
}

export const make = ({ log, cursors, stateOf }: Ports): RangeJobs => {
  const kept = new Map<string, Kept>()

  /**
   * How many events lie between where a part began and where it ends; `null` when the log has lost
   * that.
   */
  const totalOf = (partition: number, { from, until }: LaneState.LaneState) =>
    until === null
      ? Effect.succeed(null)
      : log.stats(partition, until).pipe(
          Effect.map(({ events }) => Math.max(events - from, 0)),
          Effect.catchReason("StoreError", "OutOfRange", () => Effect.succeed(null)),
        )

  const listed = Effect.map(cursors.list, (all) => {
    const found = new Map<string, { readonly replay: string; readonly state: LaneState.LaneState }>()
    for (const { name, record } of all) {
      const parsed = parseCursorName(name)
      if (parsed === null || parsed.replay === null || record === null) continue
      const state = stateOf(name) ?? LaneState.decode(record.state)
      if (state !== null && parsed.partition < log.partitions) {
        found.set(name, { replay: parsed.replay, state })
      }
    }
    return found
  })

  const notice = Effect.gen(function* () {
    const found = yield* listed
    for (const [cursor, { replay, state }] of found) {
      const { destination, partition } = parseCursorName(cursor)!
      const known = kept.get(replay)
      const total = known?.parts.get(cursor)?.total ?? (yield* totalOf(partition, state))
      const one = known ?? { name: replay, destination, parts: new Map(), endedAt: null, stopped: null }
      one.parts.set(cursor, { total, state, isDone: false })
      kept.set(replay, one)
    }
    const now = yield* Clock.currentTimeMillis
    for (const one of kept.values()) {
      for (const [cursor, part] of one.parts) {
        if (found.has(cursor) || part.isDone) continue
        one.parts.set(cursor, { ...part, state: stateOf(cursor) ?? part.state, isDone: true })
      }
      if ([...one.parts.values()].every(({ isDone }) => isDone)) one.endedAt ??= now
    }
    for (const { name } of outdated(kept.values(), now)) kept.delete(name)
  })

  return {
    list: Effect.map(notice, () => [...kept.values()].map(jobOf)),
    cursorsOf: (name) =>
      Effect.map(listed, (found) =>
        [...found].flatMap(([cursor, { replay }]) => (replay === name ? [cursor] : [])),
      ),
    stopped: Effect.fnUntraced(function* (name) {
      const one = kept.get(name)
      if (one !== undefined) one.stopped = "stopped by hand"
      yield* notice
    }),
  }
}
