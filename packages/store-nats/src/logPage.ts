import { Buffer } from "node:buffer"
import type { EventLog, Position, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { LogHead } from "./LogHead.ts"
import { entriesAfter, type LogRecord, type Place, seqOf } from "./LogRecord.ts"
import type { LogRecords } from "./LogRecords.ts"

/** Messages asked for at once in reading. */
const maxWindow = 32

interface Options {
  readonly head: LogHead
  readonly records: LogRecords
  readonly positionOf: (place: Place) => Position.Position
}

/** Reads the entries after a place, up to the head; none when what follows is not there. */
export const collectPage = ({ head, records, positionOf }: Options) => {
  /** How many messages the rest of a page may be in, by the average of those that are left. */
  const windowOf = (
    last: LogRecord | undefined,
    limits: EventLog.ReadLimits,
    bytes: number,
    count: number,
  ): number => {
    if (last === undefined) return 1
    const messages = Math.max(1, head.lastSeq - last.seq)
    const perMessage = {
      bytes: Math.max(1, (head.mark.bytes - last.after.bytes) / messages),
      entries: Math.max(1, (head.mark.entries - last.after.entries) / messages),
    }
    const wanted = Math.min(
      (limits.maxBytes - bytes) / perMessage.bytes,
      (limits.maxEntries - count) / perMessage.entries,
    )
    return Math.max(1, Math.min(maxWindow, Math.ceil(wanted)))
  }

  return Effect.fnUntraced(function* (
    start: Place,
    limits: EventLog.ReadLimits,
  ): Effect.fn.Return<ReadonlyArray<EventLog.LogEntry>, StoreError> {
    const page: Array<EventLog.LogEntry> = []
    let place = start
    let bytes = 0
    let last: LogRecord | undefined
    for (let seq = Math.max(1, seqOf(start)); seq <= head.lastSeq; ) {
      const upTo = Math.min(head.lastSeq, seq + windowOf(last, limits, bytes, page.length) - 1)
      for (const record of yield* records.range(seq, upTo)) {
        if (record === "part" || record === "missing" || record.after.place <= place) continue
        if (record.before.place > place) return page
        for (const entry of entriesAfter(record, place, positionOf)) {
          bytes += Buffer.byteLength(entry.envelope) + entry.body.byteLength
          if (page.length >= limits.maxEntries || (page.length > 0 && bytes > limits.maxBytes)) return page
          page.push(entry)
        }
        place = record.after.place
        last = record
      }
      seq = upTo + 1
    }
    return page
  })
}
