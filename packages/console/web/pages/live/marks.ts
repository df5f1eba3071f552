import type { Mark } from "../../text/words.ts"
import { type Cursors, isPassed, type ParsedPlace } from "./place.ts"

/** What is known of destinations at a moment. */
export interface Progress {
  /** The destinations that letters of `marks` stand for, in their order. */
  readonly ids: ReadonlyArray<string>
  readonly cursors: Cursors
  /** `DESTINATION PLACE` of what has died. */
  readonly dead: ReadonlySet<string>
}

export const deadKey = (destination: string, place: string): string => `${destination} ${place}`

/**
 * Where an event is, for the destination at an index: `p` of the server says that its filter lets
 * it pass, and its cursor says how far it has come. `null` where nothing is known.
 */
export const markAt = (
  { ids, cursors, dead }: Progress,
  place: string,
  parsed: ParsedPlace,
  marks: string,
  index: number,
): Mark | null => {
  const letter = marks[index]
  const destination = ids[index]
  if (letter === undefined || destination === undefined) return null
  if (letter === "f") return "filtered"
  if (dead.has(deadKey(destination, place))) return "dead"
  return isPassed(cursors, destination, parsed) ? "delivered" : "waiting"
}
