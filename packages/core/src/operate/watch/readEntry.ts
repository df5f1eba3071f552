import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { inTurns } from "../../base/turns.ts"
import * as Entry from "../../entry/Entry.ts"
import type { LogEntry } from "../../ports/EventLog.ts"

/**
 * Decodes an entry for somebody who looks on; others are served while it is a large one. `null`
 * when it cannot be read, which those who deliver it tell.
 */
export const readEntry = (entry: LogEntry): Effect.Effect<Entry.DecodedEntry | null> =>
  Effect.map(
    entry.body.length > Entry.atOnce
      ? inTurns(Entry.decodeInSlices(entry))
      : Effect.sync(() => Entry.decode(entry)),
    (decoded) => (Result.isSuccess(decoded) ? decoded.success : null),
  )
