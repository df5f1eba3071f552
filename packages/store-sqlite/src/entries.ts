import { type EventLog, Position } from "@millrace/core"
import { type PackedEntries, unpack } from "./packing.ts"

/** Consecutive entries as the log's `read` has them, from the position of the first on. */
export const toEntries = (packed: PackedEntries, first: number): ReadonlyArray<EventLog.LogEntry> =>
  unpack(packed).map((entry, place) => ({ ...entry, position: Position.fromNumber(first + place) }))
