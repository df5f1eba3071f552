import type * as LaneState from "../../deliver/LaneState.ts"
import type { CursorRecord } from "../../ports/Cursors.ts"
import type { Position } from "../../ports/Position.ts"
import { type Cut, route } from "./route.ts"

/** What a destination, or a replay of one, has come to in one partition of the source. */
export interface Part {
  readonly partition: number
  readonly record: CursorRecord
  readonly state: LaneState.LaneState
}

export interface Group {
  readonly destination: string
  readonly replay: string | null
  readonly parts: ReadonlyArray<Part>
}

/** What the log of the source holds of a partition: the entries after `tail`, up to `head`. */
export interface Bounds {
  readonly tail: Position
  readonly head: Position
}

/** The source as it was when the migration began. */
export interface Snapshot {
  readonly bounds: ReadonlyArray<Bounds>
  readonly groups: ReadonlyArray<Group>
}

/**
 * Partitions of the source whose entries go to partitions of the target, and nowhere else, in
 * stops.
 */
export interface Strand {
  readonly sources: ReadonlyArray<number>
  readonly targets: ReadonlyArray<number>
  readonly groups: ReadonlyArray<Group>
  /** What lies before it is not copied. */
  readonly start: Cut
  readonly end: Cut
  readonly stops: ReadonlyArray<Cut>
  /**
   * By source, in order: where cursors stand inside an entry, and before which entries suspects do.
   * Where that entry comes to is to be noted.
   */
  readonly marks: ReadonlyArray<ReadonlyArray<Position>>
}

const clamp = (position: Position, low: Position, high: Position): Position =>
  position < low ? low : position > high ? high : position

type Stretch = Pick<Strand, "sources" | "start" | "end">

const suspectsOf = ({ state }: Part): ReadonlyArray<Position> => state.suspects.map(({ after }) => after)

/** The first entry that is still needed for a cursor stands behind it. */
const needed = (part: Part): Position =>
  suspectsOf(part).reduce((least, after) => (after < least ? after : least), part.record.position)

const partAt = ({ parts }: Group, source: number): Part | undefined =>
  parts.find(({ partition }) => partition === source)

/** Live traffic without a cursor there, though elsewhere it has one. */
const isNewTo = (group: Group, source: number): boolean =>
  group.replay === null && partAt(group, source) === undefined

/**
 * Where a group stands. Live traffic that has no cursor in a partition has seen nothing of it; a
 * replay without one is done there.
 */
export const cutOf = (group: Group, { sources, start, end }: Stretch): Cut =>
  sources.map((source, at) => {
    const part = partAt(group, source)
    if (part === undefined) return group.replay === null ? start[at]! : end[at]!
    return clamp(part.record.position, start[at]!, end[at]!)
  })

/** Where a replay ends; `null` for live traffic. */
export const untilOf = (group: Group, { sources, start, end }: Stretch): Cut | null =>
  group.replay === null
    ? null
    : sources.map((source, at) => {
        const until = partAt(group, source)?.state.until
        return clamp(until ?? end[at]!, start[at]!, end[at]!)
      })

/**
 * The entry that an open batch ends with, in the one partition it is from; `null` without one, or
 * when its entries are gone.
 */
export const openEndOf = ({ parts: [part] }: Group, { start, end }: Stretch): Cut | null => {
  const open = part?.state.open ?? null
  return part === undefined || open === null || part.record.position < start[0]!
    ? null
    : [clamp(open.last[0], start[0]!, end[0]!)]
}

const sorted = (positions: ReadonlyArray<Position>): ReadonlyArray<Position> => [...new Set(positions)].sort()

const strandOf = (
  { bounds, groups: all }: Snapshot,
  sources: ReadonlyArray<number>,
  targets: ReadonlyArray<number>,
  pendingOnly: boolean,
): Strand => {
  const groups = all
    .map((group) => ({ ...group, parts: group.parts.filter(({ partition }) => sources.includes(partition)) }))
    .filter(({ parts }) => parts.length > 0)
  const partsOf = (source: number): ReadonlyArray<Part> =>
    groups.flatMap((group) => partAt(group, source) ?? [])
  const end = sources.map((source) => bounds[source]!.head)
  const start = sources.map((source, at) => {
    const { tail } = bounds[source]!
    const first = groups.some((group) => isNewTo(group, source))
      ? tail
      : (partsOf(source).map(needed).sort()[0] ?? end[at]!)
    return pendingOnly ? clamp(first, tail, end[at]!) : tail
  })
  const stretch = { sources, start, end }
  const cuts = groups.flatMap((group) =>
    [
      cutOf(group, stretch),
      untilOf(group, stretch),
      keepsOrder({ sources, targets }) ? openEndOf(group, stretch) : null,
    ].filter((cut) => cut !== null),
  )
  const marks = sources.map((source, at) =>
    sorted(
      partsOf(source).flatMap((part) => [
        ...suspectsOf(part),
        ...(part.record.index > 0 ? [part.record.position] : []),
      ]),
    ).filter((position) => position >= start[at]!),
  )
  return { ...stretch, targets, groups, stops: route(cuts, end), marks }
}

/** Whether entries that follow each other in the source do so in the target. */
export const keepsOrder = ({ sources, targets }: Pick<Strand, "sources" | "targets">): boolean =>
  sources.length === 1 && targets.length === 1

const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, at) => at)

/**
 * With as many partitions as the source has, each goes to its own; else all entries are dealt anew.
 */
export const plan = (
  snapshot: Snapshot,
  targetPartitions: number,
  pendingOnly: boolean,
): ReadonlyArray<Strand> => {
  const sources = upTo(snapshot.bounds.length)
  return snapshot.bounds.length === targetPartitions
    ? sources.map((at) => strandOf(snapshot, [at], [at], pendingOnly))
    : [strandOf(snapshot, sources, upTo(targetPartitions), pendingOnly)]
}
