import type { Mark } from "../../text/words.ts"
import { type Cursors, isPassed, type ParsedPlace } from "./place.ts"

/** What is known of destinations at a moment. */
export interface Progress {
  /** The destinations that letters of `marks` stand for, in their order. */
  readonly ids: ReadonlyArray<string>
  readonly cursors: Cursors
  /** `DESTINATION TIMEUUID` of what has died. */
  readonly dead: ReadonlySet<string>
}

export const deadKey = (destination: string, timeUUID: string): string => `${destination} ${timeUUID}`

/**
 * Where an event is, for the destination at an index: `p` of the server says that its filter lets
 * it pass, and its cursor says how far it has come. `null` where nothing is known.
 */
export const markAt = (
  { ids, cursors, dead }: Progress,
  timeUUID: string,
  parsed: ParsedPlace,
  marks: string,
  index: number,
): Mark | null => {
  const letter = marks[index]
  const destination = ids[index]
  if (letter === undefined || destination === undefined) return null
  if (letter === "f") return "filtered"
  if (dead.has(deadKey(destination, timeUUID))) return "dead"
  return isPassed(cursors, destination, parsed) ? "delivered" : "waiting"
}
