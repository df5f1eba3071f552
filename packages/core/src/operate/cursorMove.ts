import * as Effect from "effect/Effect"
import * as LaneState from "../deliver/LaneState.ts"
import { cursorName } from "../ports/CursorName.ts"
import type { CursorRecord, Cursors } from "../ports/Cursors.ts"
import type { EventLog } from "../ports/EventLog.ts"
import type { Position } from "../ports/Position.ts"
import type { StoreError } from "../ports/StoreError.ts"

interface Ports {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

/**
 * The live cursor of one partition, taken over: whoever had it is fenced. One that was never saved
 * stands at the head.
 */
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
  const state = yield* LaneState.read(place, destination)
  const save = Effect.fnUntraced(function* (position: Position, state: LaneState.LaneState) {
    const record: CursorRecord = { position, index: 0, state: LaneState.encode(state) }
    const [outcome] = yield* cursors.save([{ name, epoch, record }])
    return outcome === "saved"
  })
  return { place, state, head, save }
})

/**
 * A lane elsewhere may take its cursor over again before the move is saved: then all of it is done
 * anew.
 */
const untilSaved = Effect.fnUntraced(function* (
  attempt: Effect.Effect<number | "fenced", StoreError>,
): Effect.fn.Return<number, StoreError> {
  for (;;) {
    const moved = yield* attempt
    if (moved !== "fenced") return moved
  }
})

/**
 * Puts a live cursor back to the first entry kept that was appended at or after `since` (ms), never
 * ahead.
 *
 * @returns how many events are due once more
 */
export const rewind = (ports: Ports, destination: string, partition: number, since: number) =>
  untilSaved(tryRewind(ports, destination, partition, since))

const tryRewind = Effect.fnUntraced(function* (
  ports: Ports,
  destination: string,
  partition: number,
  since: number,
) {
  const { place, state, save } = yield* takeOver(ports, destination, partition)
  const position = yield* ports.log.locate(partition, since)
  if (position > place.position || (position === place.position && place.index === 0)) return 0
  const { events } = yield* ports.log.stats(partition, position)
  const moved = LaneState.rewound(state, position, events)
  return (yield* save(position, moved)) ? state.from - moved.from : "fenced"
})

/**
 * Puts a live cursor to the log's head.
 *
 * @returns how many events are passed over
 */
export const skip = (ports: Ports, destination: string, partition: number) =>
  untilSaved(trySkip(ports, destination, partition))

const trySkip = Effect.fnUntraced(function* (ports: Ports, destination: string, partition: number) {
  const { state, head, save } = yield* takeOver(ports, destination, partition)
  const { events } = yield* ports.log.stats(partition, head)
  const moved = LaneState.skipped(state, events)
  return (yield* save(head, moved)) ? moved.from - state.from : "fenced"
})
