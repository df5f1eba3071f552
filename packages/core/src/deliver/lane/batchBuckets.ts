import { timeUUIDs } from "../../entry/TimeUUID.ts"
import type { EntryId } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { BatchLimits } from "../../select/Destination.ts"
import type { ExportError } from "../../select/Export.ts"
import type { ExportedEvents } from "../../select/exportedEvents.ts"
import type { Item } from "../read/Feed.ts"
import * as Batch from "./Batch.ts"
import type { Bodies } from "./bodyBuffers.ts"
import type { Layout } from "./layout.ts"

/**
 * Where an event of a batch comes from: its entry and its place there; the entry itself is not
 * kept.
 */
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

/**
 * The `timeUUID` of an event's place in the log. Made when it is asked for: a request needs those
 * of its first and last event only.
 */
export const placeId = ({ entryId, time, index }: Pick<Taken, "entryId" | "time" | "index">): string =>
  timeUUIDs(entryId)(time, index)

/** Consecutive events of one entry, and where they stand in a batch. */
interface Span extends Omit<Taken, "index" | "time"> {
  /** The index of the first, in its entry and in the batch. */
  readonly index: number
  readonly at: number
}

/**
 * Where the events of a batch come from, one by one: kept by entry, since nobody asks for most of
 * them when all goes well.
 */
export class Sources {
  private readonly spans: Array<Span> = []
  private readonly times: Array<number> = []
  /** What would prolong the last span: the next index of the same entry. */
  private nextIndex = -1
  private position: Position | null = null

  get length(): number {
    return this.times.length
  }

  push(item: Item, index: number, time: number): void {
    if (this.nextIndex !== index || this.position !== item.position) {
      this.position = item.position
      this.spans.push({
        after: item.before,
        position: item.position,
        entryId: item.entry.id,
        receivedAt: item.entry.receivedAt,
        index,
        at: this.times.length,
      })
    }
    this.times.push(time)
    this.nextIndex = index + 1
  }

  /** Takes in all of another one, behind what is here. */
  append(other: Sources): void {
    const before = this.times.length
    for (const span of other.spans) this.spans.push({ ...span, at: before + span.at })
    for (const time of other.times) this.times.push(time)
    // Nothing is pushed behind it.
    this.nextIndex = -1
  }

  at(place: number): Taken {
    let low = 0
    let high = this.spans.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.spans[middle]!.at <= place) low = middle
      else high = middle - 1
    }
    const { after, position, entryId, receivedAt, at, index } = this.spans[low]!
    return { after, position, entryId, receivedAt, index: index + place - at, time: this.times[place]! }
  }

  slice([from, to]: Batch.Range): ReadonlyArray<Taken> {
    return Array.from({ length: to - from }, (_, place) => this.at(from + place))
  }
}

export interface Collected {
  /** In the order of the batch: bucket by bucket. */
  readonly taken: Sources
  /** In the order of the log. */
  readonly last: Taken | null
  readonly batch: Batch.Batch
  /** A range for each bucket that has events. */
  readonly ranges: ReadonlyArray<Batch.Range>
}

/**
 * Collects the events of one batch in so many buckets, each with the limits of a request of its
 * own.
 */
export const make = (limits: BatchLimits, layout: Layout, buckets: number, bodies: Bodies) => {
  const builders = Array.from({ length: buckets }, () => Batch.make(limits, layout, () => bodies.take()))
  const sources = builders.map(() => new Sources())
  let count = 0
  let lastBucket = 0
  let full = false
  return {
    count: (): number => count,
    /** One bucket can take no more: it is time to send all of them. */
    isFull: (): boolean => full,
    /**
     * False, and nothing changes but that it is full, when the event does not fit, or is of another
     * origin than those in its bucket; nor does anything when it cannot be exported.
     */
    add: (
      events: ExportedEvents,
      item: Item,
      index: number,
      time: number,
      bucket: number,
    ): boolean | ExportError => {
      const builder = builders[bucket]!
      const into = builder.begin(events.origin)
      if (into === null) {
        full = true
        return false
      }
      const error = events.write(index, into)
      if (error !== null) {
        builder.cancel()
        return error
      }
      if (!builder.commit()) {
        full = true
        return false
      }
      sources[bucket]!.push(item, index, time)
      count += 1
      lastBucket = bucket
      full = builder.isFull()
      return true
    },
    close: (): Collected => {
      const { ranges, batch } = Batch.concat(builders.map((builder) => builder.close()))
      const inBucket = sources[lastBucket]!
      const last = count === 0 ? null : inBucket.at(inBucket.length - 1)
      const [taken, ...others] = sources
      for (const other of others) taken!.append(other)
      return { taken: taken!, last, batch, ranges }
    },
  }
}
