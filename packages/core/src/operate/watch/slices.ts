import * as Effect from "effect/Effect"
import type { EventLog, LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"

const minute = 60_000

const hour = 60 * minute

/** How far back each look goes: what is asked for has often arrived just now. */
const backs = [minute, 5 * minute, hour, 6 * hour]

/** After those: as many entries as are read before anything is told. */
const further = 6 * hour

/** A stretch of time: what arrived at or after `from`, and before `to`. */
export interface Slice {
  readonly from: number
  readonly to: number
}

/**
 * Stretches of time that become longer, the newest first, back to a time.
 *
 * @param from the end of the first one
 */
export const slicesBack = (from: number, back: number): ReadonlyArray<Slice> => {
  const slices: Array<Slice> = []
  let to = from
  for (let step = 0; to > back; step++) {
    const length = step < backs.length ? backs[step]! - (step === 0 ? 0 : backs[step - 1]!) : further
    const begin = Math.max(to - length, back)
    slices.push({ from: begin, to })
    to = begin
  }
  return slices
}

/** Little at once, so that others are served between two reads. */
const readLimits = { maxEntries: 64, maxBytes: 256 * 1024 }

/** Where one partition is being read. */
export interface Reading {
  readonly partition: number
  readonly after: Position
  /** The last entry that belongs to the slice. */
  readonly end: Position
}

/** Where a slice begins and ends in each partition; none of those that have nothing of it. */
export const readingsOf = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  { from, to }: Slice,
): Effect.fn.Return<ReadonlyArray<Reading>, StoreError> {
  const readings: Array<Reading> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const after = yield* log.locate(partition, from)
    const end = yield* log.locate(partition, to)
    if (after < end) readings.push({ partition, after, end })
  }
  return readings
})

/** The next entries of a reading, and what is left of it. */
export const readOn = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  { partition, after, end }: Reading,
  wants?: (envelope: string) => boolean,
): Effect.fn.Return<readonly [entries: ReadonlyArray<LogEntry>, left: Reading | null], StoreError> {
  const found = yield* log.read(partition, after, readLimits, wants).pipe(
    // Trimmed meanwhile: what is left is looked at.
    Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
      resumeAt < end ? log.read(partition, resumeAt, readLimits, wants) : Effect.succeed([]),
    ),
  )
  const entries = found.filter(({ position }) => position <= end)
  const last = found.at(-1)?.position
  const left = last === undefined || last >= end ? null : { partition, after: last, end }
  return [entries, left]
})
