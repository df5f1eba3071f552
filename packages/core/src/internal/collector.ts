import * as Batch from "../Batch.ts"
import type { BatchLimits } from "../Destination.ts"
import type { EntryId } from "../EventLog.ts"
import type { Position } from "../Position.ts"
import { timeUUIDs } from "../TimeUUID.ts"

/** Where an event of a batch comes from: its entry and its place there; the entry itself is not kept. */
export interface Taken {
  /** Reading after this gives the entry. */
  readonly after: Position
  readonly position: Position
  readonly index: number
  readonly entryId: EntryId
  /** The event's, in ms. */
  readonly time: number
  readonly receivedAt: number
}

/** The `timeUUID` of an event's place in the log. Made when it is asked for: a request needs those of its first and last event only. */
export const placeId = ({ entryId, time, index }: Pick<Taken, "entryId" | "time" | "index">): string =>
  timeUUIDs(entryId)(time, index)

export interface Collected {
  /** In the order of the batch: bucket by bucket. */
  readonly taken: ReadonlyArray<Taken>
  /** In the order of the log. */
  readonly last: Taken | null
  readonly batch: Batch.Batch
  /** A range for each bucket that has events. */
  readonly ranges: ReadonlyArray<Batch.Range>
}

/** Collects the events of one batch in so many buckets, each with the limits of a request of its own. */
export const make = (limits: BatchLimits, format: Batch.Format, buckets: number) => {
  const builders = Array.from({ length: buckets }, () => Batch.make(limits, format))
  const taken = builders.map((): Array<Taken> => [])
  let count = 0
  let last: Taken | null = null
  let full = false
  return {
    get count(): number {
      return count
    },
    get last(): Taken | null {
      return last
    },
    /** One bucket can take no more: it is time to send all of them. */
    isFull: (): boolean => full,
    /** False, and nothing changes but that it is full, when the event does not fit. */
    add: (event: string, source: Taken, bucket: number): boolean => {
      const builder = builders[bucket]!
      if (!builder.add(event)) {
        full = true
        return false
      }
      taken[bucket]!.push(source)
      count += 1
      last = source
      full = builder.isFull()
      return true
    },
    close: (): Collected => {
      const { ranges, ...batch } = Batch.concat(builders.map((builder) => builder.close()))
      return { taken: taken.flat(), last, batch, ranges }
    },
  }
}
