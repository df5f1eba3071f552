import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../../base/monotonic.ts"
import { parseCursorName } from "../../ports/CursorName.ts"
import type { Cursor, Cursors } from "../../ports/Cursors.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import * as Position from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import * as LaneState from "../LaneState.ts"
import { HeadHistory } from "./headHistory.ts"
import { lastStored } from "./storedTime.ts"

export interface RetentionPorts {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly destinations: Destinations["Service"]
}

/** For destinations that are no longer configured: the configuration's own default. */
const defaultGiveUpAfter = 7 * 24 * 60 * 60 * 1000

/** A lane that gives events up needs them to make dead letters of them: it gets a day for that. */
const graceForGivingUp = 24 * 60 * 60 * 1000

/**
 * The first entry that some cursor still needs: the place of the cursor itself, or of an event held
 * back as a suspect.
 */
const needed = (position: Position.Position, state: LaneState.LaneState | null): Position.Position =>
  (state?.suspects ?? []).reduce((least, { after }) => (after < least ? after : least), position)

/**
 * What a lane that runs in this process, and has not been taken over, knows of itself: it spares
 * reading its state from the cursor.
 */
export type LiveState = (cursor: Cursor) => LaneState.LaneState | undefined

type Configured = ReadonlyMap<string, { readonly destination: Destination }>

/** When this process began to look. */
interface Beginning {
  /** By the monotonic clock. */
  readonly at: number
  /** The newest time stored until then, as far as it can be believed: see {@link lastStored}. */
  readonly stored: number | null
  /** Where each partition ended. */
  readonly heads: ReadonlyArray<Position.Position>
}

/**
 * Since when something is as it is: what it was found with, and since when this process has seen it
 * so.
 */
interface Sighting {
  readonly since: number
  readonly had: number
  readonly at: number
}

/**
 * For how long things have been as they are: for as long as this process has seen them so, and what
 * they had behind them then.
 */
const makeAges = () => {
  let before = new Map<string, Sighting>()
  let sightings = new Map<string, Sighting>()
  return {
    /** What has not been seen since the last look is forgotten. */
    lookAnew: (): void => {
      before = sightings
      sightings = new Map()
    },
    /** @param since tells one time of being so from the next */
    of: (key: string, since: number, had: () => number, now: number): number => {
      const known = before.get(key)
      const sighting = known?.since === since ? known : { since, had: Math.max(had(), 0), at: now }
      sightings.set(key, sighting)
      return sighting.had + now - sighting.at
    },
  }
}

export interface Retention {
  /**
   * Says which entries are behind all cursors, and drops those that have been kept long enough. A
   * destination that has been disabled for longer than its `giveUpAfter` holds nothing back any
   * longer; one that has been failing for as long only until the log needs the room. Without
   * destinations only the log's cap counts.
   *
   * Several processes may do it at once, each by the cursors that it has read: cursors go ahead
   * save for rewinds and replays, and these begin with an entry that is kept or do without it. What
   * one of them says too late, the next one puts right.
   *
   * @returns in how many ms the next entry will have been kept long enough; infinity when none
   * waits for that
   */
  readonly trim: (configured: Configured, liveState: LiveState) => Effect.Effect<number, StoreError>
}

/**
 * Keeps and drops entries by time that has really passed: what this process has seen pass on its
 * monotonic clock, and, for what is older than the process, what lies between two stored times. A
 * wall clock that is set drops nothing, and keeps nothing for ever.
 *
 * @param keepFor how long entries behind all cursors are kept, in ms
 */
export const make = ({ log, cursors, destinations }: RetentionPorts, keepFor: number): Retention => {
  const histories = Array.from({ length: log.partitions }, () => new HeadHistory(keepFor))
  const disabledFor = makeAges()
  const failingFor = makeAges()
  let beginning: Beginning | undefined

  const begin = Effect.gen(function* () {
    const stored = yield* lastStored(log, yield* Clock.currentTimeMillis)
    const heads: Array<Position.Position> = []
    for (let partition = 0; partition < log.partitions; partition++) {
      heads.push((yield* log.bounds(partition)).head)
    }
    return { at: yield* monotonicMillis, stored, heads } satisfies Beginning
  })

  /**
   * The newest stored time that this process found, and what has passed since; `null` when it found
   * none.
   */
  const timeOf = ({ at, stored }: Beginning, now: number): number | null =>
    stored === null ? null : stored + now - at

  /**
   * For how long, at least, a destination has been disabled; 0 when it is not. @param time `null`
   * but for those found at the beginning
   */
  const disabledSince = (
    { id, disabled, createdAt }: DestinationRecord,
    time: number | null,
    now: number,
  ): number => {
    if (disabled === null) return 0
    // One of two stored times is wrong when it says that what came later was earlier.
    const isStored = time !== null && createdAt <= disabled.at
    return disabledFor.of(id, disabled.at, () => (isStored ? time - disabled.at : 0), now)
  }

  /**
   * For how long a destination has been failing, whoever runs its lane: its last failure may be
   * long ago. One that an earlier version has noted begins with the next failure.
   */
  const failingSince = (name: string, state: LaneState.LaneState | null, now: number): number => {
    if (state?.failingFrom === undefined) return 0
    const { failingFrom, ranFor = 0 } = state
    return failingFor.of(name, failingFrom, () => ranFor - failingFrom, now)
  }

  /**
   * Drops what lies behind all cursors and is old enough. Says whether there may have been
   * something.
   */
  const drop = Effect.fnUntraced(function* (
    partition: number,
    behindAll: Position.Position,
    { tail, oldestAt }: { readonly tail: Position.Position; readonly oldestAt: number | null },
    began: Beginning,
    now: number,
  ) {
    const seen = histories[partition]!.oldEnough(now)
    const upTo = seen ?? began.heads[partition]!
    const time = timeOf(began, now)
    const olderThan = seen === null ? (time ?? Number.NEGATIVE_INFINITY) - keepFor : Number.POSITIVE_INFINITY
    const last = behindAll < upTo ? behindAll : upTo
    if (oldestAt === null || oldestAt >= olderThan || last <= tail) return false
    yield* log.trim(partition, last, olderThan)
    return true
  })

  /** In how many ms the next entry will be old enough. */
  const dueIn = (
    partition: number,
    { tail, oldestAt }: { readonly tail: Position.Position; readonly oldestAt: number },
    began: Beginning,
    now: number,
  ): number => {
    const seen = histories[partition]!.dueIn(now, tail)
    const time = timeOf(began, now)
    return time === null || tail >= began.heads[partition]!
      ? seen
      : Math.min(seen, Math.max(oldestAt + keepFor - time, 0))
  }

  const trim = Effect.fnUntraced(function* (configured: Configured, liveState: LiveState) {
    const records = yield* destinations.list
    for (const ages of [disabledFor, failingFor]) ages.lookAnew()
    const isFirst = beginning === undefined
    beginning ??= yield* begin
    const began = beginning
    const now = yield* monotonicMillis
    const time = isFirst ? timeOf(began, now) : null
    const disabled = new Map(records.map((record) => [record.id, disabledSince(record, time, now)]))
    const all = yield* cursors.list
    let due = Number.POSITIVE_INFINITY
    for (let partition = 0; partition < log.partitions; partition++) {
      /** Behind all cursors, and behind those that may still be waited for when the log is full. */
      let behindAll = Position.end
      let released = Position.end
      for (const cursor of all) {
        const { name, record } = cursor
        const parsed = parseCursorName(name)
        if (parsed === null || record === null || parsed.partition !== partition) continue
        const { destination } = parsed
        const state = liveState(cursor) ?? LaneState.decode(record.state)
        const giveUpAfter = configured.get(destination)?.destination.retry.giveUpAfter ?? defaultGiveUpAfter
        if ((disabled.get(destination) ?? 0) > giveUpAfter) continue
        const position = needed(record.position, state)
        if (position < behindAll) behindAll = position
        const isWaitedFor = failingSince(name, state, now) <= giveUpAfter + graceForGivingUp
        if (isWaitedFor && position < released) released = position
      }
      let bounds = yield* log.bounds(partition)
      histories[partition]!.note(now, bounds.head)
      if (configured.size > 0 && (yield* drop(partition, behindAll, bounds, began, now))) {
        bounds = yield* log.bounds(partition)
      }
      yield* log.trim(partition, released, Number.NEGATIVE_INFINITY)
      const { tail, oldestAt } = bounds
      if (oldestAt !== null && tail < behindAll && configured.size > 0) {
        due = Math.min(due, dueIn(partition, { tail, oldestAt }, began, now))
      }
    }
    return due
  })

  return { trim }
}
