import * as Utf8 from "../../base/utf8.ts"
import { isOfEntry, timeOf } from "../../entry/TimeUUID.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import type { Slice } from "./slices.ts"

const minute = 60_000

/** How long before and after its time an event is likely to have arrived. */
const near = { before: minute, after: 10 * minute }

/** Bodies of this kind may bring their events' ids. */
const bringsIds = (envelope: string): boolean => envelope.includes('"dialect":"event_webhook"')

/** What tells an event of an id. */
export interface ById {
  /** Whether an entry's body is needed to say whether it holds the event. */
  readonly mayBring: (envelope: string) => boolean
  /** Whether the entry's own id says that it holds the event. */
  readonly isOf: (entry: LogEntry) => boolean
  readonly mayHold: (entry: LogEntry) => boolean
  readonly is: (timeUUID: string) => boolean
}

export const byId = (id: string): ById => {
  const wanted = id.toLowerCase()
  const isOf = (entry: LogEntry): boolean => isOfEntry(wanted, entry.id)
  return {
    mayBring: bringsIds,
    isOf,
    mayHold: (entry) =>
      isOf(entry) ||
      (bringsIds(entry.envelope) && Utf8.decode(entry.body).text.toLowerCase().includes(wanted)),
    is: (timeUUID) => timeUUID.toLowerCase() === wanted,
  }
}

/** The same stretches of time, with that first in which the event of an id is likely to stand. */
export const nearId = (id: string, slices: ReadonlyArray<Slice>): ReadonlyArray<Slice> => {
  const time = timeOf(id)
  const likely = { from: time - near.before, to: time + near.after }
  const cut = slices.flatMap(({ from, to }): ReadonlyArray<Slice> => {
    const marks = [to, likely.to, likely.from, from].filter((at) => at >= from && at <= to)
    return marks
      .slice(1)
      .flatMap((begin, index) => (begin < marks[index]! ? [{ from: begin, to: marks[index]! }] : []))
  })
  const isLikely = ({ from, to }: Slice): boolean => from >= likely.from && to <= likely.to
  return [...cut.filter(isLikely), ...cut.filter((slice) => !isLikely(slice))]
}
