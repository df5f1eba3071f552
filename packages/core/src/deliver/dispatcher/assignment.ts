import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { cursorName, parseCursorName } from "../../ports/CursorName.ts"
import type { Cursor, Cursors } from "../../ports/Cursors.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Lane } from "../Lane.ts"
import { takeOver } from "../lane/progress.ts"
import type { LanePlace, LaneSet } from "./laneSet.ts"
import type { Ownership } from "./lease.ts"
import type { Recollection } from "./recollection.ts"
import type { Known, Roster } from "./registry.ts"

/**
 * How many lanes are begun at once: each asks the store, and a thousand must not take longer to
 * hand over than a lease.
 */
const beginAtOnce = 16

interface Options {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly destinations: Destinations["Service"]
  readonly roster: Roster
  readonly lanes: LaneSet
  readonly ownership: Ownership
  readonly recollection: Recollection
}

interface Wanted extends LanePlace {
  readonly known: Known
  /**
   * What is dealt: a replay runs where its destination's live traffic does, to share its limits and
   * its circuit.
   */
  readonly live: string
}

/**
 * By cursor name, wherever they run: live traffic of every destination that is on, and its replays
 * that are not done yet.
 */
const wantedLanes = (
  { roster, log }: Options,
  records: ReadonlyArray<DestinationRecord>,
  listed: ReadonlyArray<Cursor>,
): ReadonlyMap<string, Wanted> => {
  const off = new Set(records.filter(({ disabled }) => disabled !== null).map(({ id }) => id))
  const wanted = new Map<string, Wanted>()
  for (const known of roster.all.values()) {
    const { id, enabled } = known.destination
    if (!enabled || off.has(id)) continue
    for (let partition = 0; partition < log.partitions; partition++) {
      const live = cursorName({ destination: id, partition, replay: null })
      wanted.set(live, { known, partition, replay: null, live })
    }
  }
  for (const { name, record } of listed) {
    const parsed = parseCursorName(name)
    // Without a record it is still being made.
    if (parsed === null || parsed.replay === null || record === null) continue
    const live = wanted.get(cursorName({ ...parsed, replay: null }))
    if (live !== undefined) wanted.set(name, { ...live, replay: parsed.replay })
  }
  return wanted
}

/**
 * Lets run here what is to run here, by what the store says of destinations and replays and by who
 * owns what: begins lanes that are missing, stops or releases others. One that cannot be begun
 * keeps none of the others from it.
 */
export const make = (options: Options): Effect.Effect<void, StoreError> => {
  const { log, cursors, destinations, roster, lanes, ownership, recollection } = options

  /** A new destination begins now in every partition, whenever the owner comes to it. */
  const beginPlace = ({ known, partition, live }: Wanted) =>
    takeOver({ destination: known.destination, partition, log, cursors }, live, recollection.placeOf(live))

  return Effect.gen(function* () {
    const tenure = ownership.tenure()
    const listed = yield* cursors.list
    for (const [name, { lane }] of lanes.running) recollection.note(name, lane.status())
    const records = yield* recollection.restore({ records: yield* destinations.list, listed })
    recollection.keep({ records, listed })
    yield* roster.update(records)
    const wanted = wantedLanes(options, records, listed)

    const recorded = new Set(records.map(({ id }) => id))
    const epochs = new Map(listed.map(({ name, epoch }) => [name, epoch]))
    /**
     * Moved or removed by somebody else: a lane that has nothing to save would never hear of it.
     */
    const isFenced = ({ name, epoch }: Lane) => (epochs.get(name) ?? Number.POSITIVE_INFINITY) > epoch
    const leaving = [...lanes.running].flatMap(([name, one]) => {
      const { id } = one.known.destination
      if (!recorded.has(id) && !roster.isConfigured(id)) {
        // Begun while it was being removed, perhaps: then the place is there again.
        return [Effect.andThen(lanes.stop(name), cursors.remove(name))]
      }
      const { known, live } = wanted.get(name) ?? {}
      if (known !== one.known || live === undefined) return [lanes.stop(name)]
      if (!one.tenure.holds() || isFenced(one.lane)) {
        // By then it may have come further.
        return [
          Effect.andThen(
            lanes.stop(name),
            Effect.sync(() => recollection.note(name, one.lane.status())),
          ),
        ]
      }
      return ownership.isMine(live) ? [] : [lanes.release(name)]
    })
    yield* Effect.all(leaving, { concurrency: "unbounded", discard: true })

    const mine = new Map([...wanted].filter(([, { live }]) => ownership.isMine(live)))
    lanes.expect(mine.size)
    const begun = new Set(listed.flatMap(({ name, record }) => (record === null ? [] : [name])))
    const missing = [...wanted].filter(([name]) => !lanes.running.has(name))
    const exits = yield* Effect.forEach(
      missing,
      ([name, one]) => {
        if (mine.has(name) && ownership.isFree(one.live)) {
          return Effect.exit(
            Effect.suspend(() =>
              tenure.holds() ? lanes.start(one.known, one, tenure, recollection.placeOf(name)) : Effect.void,
            ),
          )
        }
        return begun.has(name) ? Effect.succeed(Exit.void) : Effect.exit(Effect.asVoid(beginPlace(one)))
      },
      { concurrency: beginAtOnce },
    )
    yield* exits.find(Exit.isFailure) ?? Effect.void
  })
}
