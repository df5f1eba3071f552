import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { cursorName, parseCursorName } from "../CursorName.ts"
import type { Cursors } from "../Cursors.ts"
import type { EventLog } from "../EventLog.ts"
import * as LaneState from "../LaneState.ts"

interface Ports {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

/** A time range of the log: what was appended at or after `since` and before `until`, in ms since the epoch. */
interface Range {
  readonly destination: string
  readonly since: number
  readonly until: number
}

/**
 * Keeps a cursor in each partition for the lanes that will send the range once more: whoever delivers from the store next runs them.
 *
 * @returns the replay's name
 */
export const begin = Effect.fnUntraced(function* (
  { log, cursors }: Ports,
  { destination, since, until }: Range,
) {
  const now = yield* Clock.currentTimeMillis
  const taken = new Set((yield* cursors.list).map(({ name }) => parseCursorName(name)?.replay))
  let replay = `replay-${now}`
  while (taken.has(replay)) replay = `${replay}+`
  for (let partition = 0; partition < log.partitions; partition++) {
    const name = cursorName({ destination, partition, replay })
    const position = yield* log.locate(partition, since)
    const end = yield* log.locate(partition, until)
    const { events } = yield* log.stats(partition, position)
    const { epoch } = yield* cursors.acquire(name)
    const state = LaneState.encode(LaneState.initial(events, end))
    yield* cursors.save([{ name, epoch, record: { position, index: 0, state } }])
  }
  return replay
})
