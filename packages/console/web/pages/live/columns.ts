import type { Destination } from "../../api/rows.ts"
import { lanesOf } from "../../text/lanes.ts"

/** Which destinations have a column of marks: the worst of many, in the order of all. */
export const columnsOf = (
  ids: ReadonlyArray<string>,
  destinations: ReadonlyArray<Destination>,
  most: number,
): ReadonlyArray<number> => {
  if (ids.length <= most) return ids.map((_, index) => index)
  const chosen = new Set(lanesOf(destinations, most).shown.map(({ id }) => id))
  return ids.flatMap((id, index) => (chosen.has(id) ? [index] : []))
}
