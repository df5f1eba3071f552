import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Time } from "../base/scalars.ts"
import * as LaneState from "../deliver/LaneState.ts"
import { cursorName, parseCursorName } from "../ports/CursorName.ts"
import type { Cursors } from "../ports/Cursors.ts"
import type { EventLog } from "../ports/EventLog.ts"

interface Ports {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
}

/** A time range of the log: what was appended at or after `since` and before `until`. */
export const ReplayRequest = Schema.Struct({ destination: Schema.String, since: Time, until: Time })

export type ReplayRequest = typeof ReplayRequest.Type

/**
 * Keeps a cursor in each partition for the lanes that will send the range once more: whoever
 * delivers from the store next runs them.
 *
 * @returns the replay's name
 */
export const begin = Effect.fnUntraced(function* (
  { log, cursors }: Ports,
  { destination, since, until }: ReplayRequest,
) {
  const now = yield* Clock.currentTimeMillis
  const taken = new Set((yield* cursors.list).map(({ name }) => parseCursorName(name)?.replay))

  /** False when somebody else has begun one of this name meanwhile. */
  const beginAt = Effect.fnUntraced(function* (partition: number, replay: string) {
    const name = cursorName({ destination, partition, replay })
    const position = yield* log.locate(partition, since)
    const end = yield* log.locate(partition, until)
    const { events } = yield* log.stats(partition, position)
    const { epoch, record } = yield* cursors.acquire(name)
    if (record !== null) return false
    const state = LaneState.encode(LaneState.initial(events, end))
    const [outcome] = yield* cursors.save([{ name, epoch, record: { position, index: 0, state } }])
    return outcome === "saved"
  })

  let replay = `replay-${now}`
  while (taken.has(replay) || !(yield* beginAt(0, replay))) replay = `${replay}+`
  for (let partition = 1; partition < log.partitions; partition++) yield* beginAt(partition, replay)
  return replay
})
