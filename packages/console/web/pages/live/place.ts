import type { EventRow } from "../../api/rows.ts"

/** Where an event stands: `PARTITION/POSITION/INDEX`. */
export interface ParsedPlace {
  readonly partition: number
  /** Compared as text. */
  readonly position: string
}

export const parsePlace = (place: EventRow[0]): ParsedPlace => {
  const [partition = "0", position = ""] = place.split("/")
  return { partition: Number(partition), position }
}

/** How far destinations have come: a position for each partition. */
export type Cursors = Readonly<Record<string, ReadonlyArray<string>>>

/** Whether a destination is done with what stands at a place. */
export const isPassed = (
  cursors: Cursors,
  destination: string,
  { partition, position }: ParsedPlace,
): boolean => {
  const cursor = cursors[destination]?.[partition]
  return cursor !== undefined && position <= cursor
}
