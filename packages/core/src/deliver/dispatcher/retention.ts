import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { parseCursorName } from "../../ports/CursorName.ts"
import type { Cursor, Cursors } from "../../ports/Cursors.ts"
import type { Destinations } from "../../ports/Destinations.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import * as Position from "../../ports/Position.ts"
import type { Destination } from "../../select/Destination.ts"
import * as LaneState from "../LaneState.ts"

export interface RetentionPorts {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly destinations: Destinations["Service"]
}

/** For destinations that are no longer configured: the configuration's own default. */
const defaultGiveUpAfter = 7 * 24 * 60 * 60 * 1000

/** A lane that gives events up needs them to make dead letters of them: it gets a day for that. */
const graceForGivingUp = 24 * 60 * 60 * 1000

/** The first entry that some cursor still needs: the place of the cursor itself, or of an event held back as a suspect. */
const needed = (position: Position.Position, state: LaneState.LaneState | null): Position.Position =>
  (state?.suspects ?? []).reduce(
    (least, { after }) => (after < least ? (after as Position.Position) : least),
    position,
  )

/** What a lane that runs in this process, and has not been taken over, knows of itself: it spares reading its state from the cursor. */
export type LiveState = (cursor: Cursor) => LaneState.LaneState | undefined

/**
 * Says which entries are behind all cursors, and drops those that have been kept long enough. A destination that has been disabled for longer than its `giveUpAfter`
 * holds nothing back any longer; one that has been failing for as long only until the log needs the room. Without
 * destinations only the log's cap counts.
 *
 * Several processes may do it at once, each by the cursors that it has read: cursors go ahead save for rewinds and replays, and these begin with an entry that is
 * kept or do without it. What one of them says too late, the next one puts right.
 *
 * @returns in how many ms the next entry will have been kept long enough; infinity when none waits for that
 */
export const trim = Effect.fnUntraced(function* (
  { log, cursors, destinations }: RetentionPorts,
  configured: ReadonlyMap<string, { readonly destination: Destination }>,
  liveState: LiveState,
  keepFor: number,
) {
  const now = yield* Clock.currentTimeMillis
  const disabledAt = new Map((yield* destinations.list).map(({ id, disabled }) => [id, disabled?.at]))
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
      const disabled = disabledAt.get(destination)
      if (disabled !== undefined && now - disabled > giveUpAfter) continue
      const position = needed(record.position, state)
      if (position < behindAll) behindAll = position
      const failing = state?.failingSince ?? now
      if (now - failing <= giveUpAfter + graceForGivingUp && position < released) released = position
    }
    const olderThan = configured.size === 0 ? Number.NEGATIVE_INFINITY : now - keepFor
    yield* log.trim(partition, behindAll < released ? behindAll : released, olderThan)
    if (behindAll < released) yield* log.trim(partition, released, Number.NEGATIVE_INFINITY)
    const { tail, oldestAt } = yield* log.bounds(partition)
    if (oldestAt !== null && tail < behindAll && configured.size > 0) {
      due = Math.min(due, Math.max(oldestAt + keepFor - now, 0))
    }
  }
  return due
})
