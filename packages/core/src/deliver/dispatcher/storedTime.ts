import * as Effect from "effect/Effect"
import type { EventLog } from "../../ports/EventLog.ts"
import type { StoreError } from "../../ports/StoreError.ts"

/**
 * How closely the time of the newest entry is looked for, in ms: a few questions at the start,
 * against days of keeping.
 */
const closely = 60_000

/**
 * A time at or before which the last entry of a partition was stored, by the log's own word; `null`
 * when it has none.
 */
const lastStoredIn = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  partition: number,
  wall: number,
): Effect.fn.Return<number | null, StoreError> {
  const { head, oldestAt } = yield* log.bounds(partition)
  if (oldestAt === null) return null
  const hasSince = (time: number) => Effect.map(log.locate(partition, time), (before) => before < head)
  // What has been stored behind this clock's time says no more than the clock does.
  if (oldestAt >= wall || (yield* hasSince(wall))) return wall
  if (yield* hasSince(wall - closely)) return wall - closely
  let [had, hasNot] = [oldestAt, wall - closely]
  while (hasNot - had > closely) {
    const middle = Math.floor((had + hasNot) / 2)
    if (yield* hasSince(middle)) had = middle
    else hasNot = middle
  }
  return had
})

/**
 * The newest time that both the log and the wall clock vouch for: something was stored at or after
 * it, and the clock has come as far. A clock that is ahead cannot put it forward, and one that is
 * behind only makes it too early. `null` for an empty log.
 *
 * @param wall the wall clock's time, in ms
 */
export const lastStored = (
  log: EventLog["Service"],
  wall: number,
): Effect.Effect<number | null, StoreError> =>
  Effect.map(
    Effect.forEach(
      Array.from({ length: log.partitions }, (_, partition) => partition),
      (partition) => lastStoredIn(log, partition, wall),
    ),
    (times) =>
      times.reduce(
        (latest, time) => (time !== null && time > (latest ?? Number.NEGATIVE_INFINITY) ? time : latest),
        null,
      ),
  )
