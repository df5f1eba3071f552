import * as Effect from "effect/Effect"
import { cursorName } from "../CursorName.ts"
import type { CursorRecord, Cursors } from "../Cursors.ts"
import type { EventLog } from "../EventLog.ts"
import { readState } from "../Lane.ts"
import * as LaneState from "../LaneState.ts"
import type { Position } from "../Position.ts"

interface Ports {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

/** The live cursor of one partition, taken over: whoever had it is fenced. One that was never saved stands at the head. */
const takeOver = Effect.fnUntraced(function* (
  { log, cursors }: Ports,
  destination: string,
  partition: number,
) {
  const name = cursorName({ destination, partition, replay: null })
  const { epoch, record } = yield* cursors.acquire(name)
  const { head } = yield* log.bounds(partition)
  const { events } = yield* log.stats(partition, head)
  const place = record ?? { position: head, index: 0, state: LaneState.encode(LaneState.initial(events)) }
  const state = yield* readState(place, destination)
  const save = Effect.fnUntraced(function* (position: Position, state: LaneState.LaneState) {
    const record: CursorRecord = { position, index: 0, state: LaneState.encode(state) }
    yield* cursors.save([{ name, epoch, record }])
  })
  return { place, state, head, save }
})

/**
 * Puts a live cursor back to the first entry kept that was appended at or after `since` (ms), never ahead.
 *
 * @returns how many events are due once more
 */
export const rewind = Effect.fnUntraced(function* (
  ports: Ports,
  destination: string,
  partition: number,
  since: number,
) {
  const { place, state, save } = yield* takeOver(ports, destination, partition)
  const position = yield* ports.log.locate(partition, since)
  if (position > place.position || (position === place.position && place.index === 0)) return 0
  const { events } = yield* ports.log.stats(partition, position)
  // Suspects behind the new place are met again on the way.
  const suspects = state.suspects.filter(({ after }) => after < position)
  const moved = LaneState.moveTo({ ...state, suspects }, events)
  yield* save(position, moved)
  return state.from - moved.from
})

/**
 * Puts a live cursor to the log's head.
 *
 * @returns how many events are passed over
 */
export const skip = Effect.fnUntraced(function* (ports: Ports, destination: string, partition: number) {
  const { state, head, save } = yield* takeOver(ports, destination, partition)
  const { events } = yield* ports.log.stats(partition, head)
  const moved = LaneState.moveTo({ ...state, suspects: [] }, events)
  yield* save(head, moved)
  return moved.from - state.from
})
