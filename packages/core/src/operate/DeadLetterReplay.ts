import * as Schema from "effect/Schema"
import { Count } from "../base/scalars.ts"
import { DeadLetterSelection } from "../ports/DeadLetters.ts"

/**
 * Which dead letters of a destination: without `eventIds` those that have not been replayed yet.
 */
export const DeadLetterReplayRequest = Schema.Struct({
  ...DeadLetterSelection.fields,
  destination: Schema.String,
})

export type DeadLetterReplayRequest = typeof DeadLetterReplayRequest.Type

export const DeadLetterReplay = Schema.Struct({
  /** How many events were delivered. Their letters stay, marked. */
  replayed: Count,
  /**
   * Events that failed by themselves: refused or too large alone, not to be exported, or without a
   * letter.
   */
  failed: Schema.Array(Schema.Struct({ eventId: Schema.String, message: Schema.String })),
  /** Why it ended early; `null` when all letters asked for were tried. */
  stopped: Schema.NullOr(Schema.String),
}).annotate({ identifier: "DeadLetterReplay" })

export type DeadLetterReplay = typeof DeadLetterReplay.Type
