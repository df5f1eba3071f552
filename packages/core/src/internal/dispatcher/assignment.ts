import * as Effect from "effect/Effect"
import { cursorName, parseCursorName } from "../../CursorName.ts"
import type { Cursor, Cursors } from "../../Cursors.ts"
import type { DestinationRecord, Destinations } from "../../Destinations.ts"
import type { StoreError } from "../../StoreError.ts"
import type { LanePlace, LaneSet } from "./laneSet.ts"
import type { Known, Roster } from "./roster.ts"

interface Options {
  readonly cursors: Cursors["Service"]
  readonly destinations: Destinations["Service"]
  readonly partitions: number
  readonly roster: Roster
  readonly lanes: LaneSet
}

interface Wanted extends LanePlace {
  readonly known: Known
}

/** By cursor name: live traffic of every destination that is on, and its replays that are not done yet. */
const wantedLanes = (
  { roster, partitions }: Options,
  records: ReadonlyArray<DestinationRecord>,
  listed: ReadonlyArray<Cursor>,
): ReadonlyMap<string, Wanted> => {
  const off = new Set(records.filter(({ disabled }) => disabled !== null).map(({ id }) => id))
  const wanted = new Map<string, Wanted>()
  for (const known of roster.all.values()) {
    const { id, enabled } = known.destination
    if (!enabled || off.has(id)) continue
    for (let partition = 0; partition < partitions; partition++) {
      wanted.set(cursorName({ destination: id, partition, replay: null }), { known, partition, replay: null })
    }
  }
  for (const { name, record } of listed) {
    const parsed = parseCursorName(name)
    // Without a record it is still being made.
    if (parsed === null || parsed.replay === null || record === null) continue
    const { destination, partition, replay } = parsed
    const live = wanted.get(cursorName({ destination, partition, replay: null }))
    if (live !== undefined) wanted.set(name, { known: live.known, partition, replay })
  }
  return wanted
}

/** Lets run here what is to run here, by what the store says of destinations and replays: begins lanes that are missing, stops others. */
export const make = (options: Options): Effect.Effect<void, StoreError> => {
  const { cursors, destinations, roster, lanes } = options

  return Effect.gen(function* () {
    const listed = yield* cursors.list
    const records = yield* destinations.list
    yield* roster.update(records)
    const wanted = wantedLanes(options, records, listed)
    for (const [name, { known }] of lanes.running) {
      if (wanted.get(name)?.known !== known) yield* lanes.stop(name)
    }
    lanes.expect(wanted.size)
    for (const [name, { known, ...place }] of wanted) {
      if (!lanes.running.has(name)) yield* lanes.start(known, place)
    }
  })
}
