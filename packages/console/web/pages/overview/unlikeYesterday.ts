import type { NameRow } from "../../api/rows.ts"

/** Events a day from which a change is one: of few, any number is half or double. */
const enough = 300

/** The change from which it is worth a look. */
const notable = 0.15

/** Rows at most: this is a hint, and the list of all names is in Event Filtering. */
const most = 5

/** The names whose last hours differ most from the same hours of the day before. */
export const unlikeYesterday = (names: ReadonlyArray<NameRow>): ReadonlyArray<NameRow> => {
  const weight = ({ volume, change }: NameRow) => volume * Math.abs(change ?? 0)
  return names
    .filter(({ volume, change }) => volume >= enough && change !== null && Math.abs(change) >= notable)
    .toSorted((a, b) => weight(b) - weight(a))
    .slice(0, most)
}
