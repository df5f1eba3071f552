import { bucketOf } from "../../entry/subject.ts"
import type { Destination } from "../../select/Destination.ts"
import { ExportError, type ExportRule } from "../../select/Export.ts"
import type { LaneState } from "../LaneState.ts"
import { exportedEvents, type Feed, type Place, placeIn, type Run } from "../read/Feed.ts"
import * as Collector from "./batchBuckets.ts"
import type { Bodies } from "./bodyBuffers.ts"
import type { Source } from "./catchUp.ts"
import type { Layout } from "./layout.ts"

/** An event that cannot be exported, and why. */
export interface Unfit {
  readonly source: Source
  readonly error: ExportError
}

/** The next batch, while events are still coming to it. */
export interface Gathering {
  /** Takes what is queued, for as long as it fits. */
  readonly pull: () => void
  readonly count: () => number
  readonly isFull: () => boolean
  /** Stands at the head of the queue, and nothing behind it is taken. */
  readonly unfit: () => Unfit | null
  /** The unfit event has been left out: what comes behind it is the first. */
  readonly goOn: () => void
  /** Before the first event taken. */
  readonly start: () => Place
  /** When the first event taken has waited long enough, on the monotonic clock. */
  readonly deadline: () => number
  /** How many buckets the events are dealt to. */
  readonly buckets: number
  readonly close: () => Collector.Collected
}

interface Options {
  readonly destination: Destination
  readonly exportRule: ExportRule
  readonly layout: Layout
}

/**
 * @param maxBytes what one request may hold, whatever the destination's own limit
 * @param resumed the batch that was open when the lane last stopped: it is taken as it was,
 * whatever the limits are now
 */
export const makeGathering = (
  { destination, exportRule, layout }: Options,
  feed: Feed,
  bodies: Bodies,
  maxBytes: number,
  resumed: LaneState["open"],
): Gathering => {
  const limits =
    resumed === null
      ? { ...destination.batch, maxBytes: Math.min(destination.batch.maxBytes, maxBytes) }
      : { ...destination.batch, maxEvents: resumed.count, maxBytes: Number.POSITIVE_INFINITY }
  const buckets = resumed?.buckets ?? destination.concurrency
  const deal = bucketOf(buckets)
  const collector = Collector.make(limits, layout, buckets, bodies)
  const isFull = () => collector.isFull() || collector.count() === resumed?.count
  let start: Place = feed.ahead
  let deadline = 0
  let full = false
  let unfit: Unfit | null = null

  /**
   * Takes a run's events from the head of the queue, until one does not fit or cannot be exported.
   */
  const pullRun = (run: Run): void => {
    const { item, from, to } = run
    const { entry } = item
    const exported = exportedEvents(item, exportRule)
    const isFirst = collector.count() === 0
    let next = from
    for (; next < to && !full; next++) {
      const event = entry.events[next]!
      const added = collector.add(exported, item, next, event.time, deal(event, next, entry))
      if (added instanceof ExportError) {
        unfit = { source: { after: item.before, position: item.position, index: next }, error: added }
        break
      }
      if (!added) {
        full = true
        break
      }
      full = isFull()
    }
    if (next === from) return
    if (isFirst) {
      start = placeIn(run, from)
      deadline = item.readAt + destination.batch.maxDelay
    }
    feed.take(next - from)
  }

  return {
    pull: () => {
      full = isFull()
      unfit = null
      for (let run = feed.peek(); !full && unfit === null && run !== undefined; run = feed.peek())
        pullRun(run)
    },
    count: collector.count,
    isFull: () => full,
    unfit: () => unfit,
    goOn: () => {
      unfit = null
      start = feed.ahead
    },
    start: () => start,
    deadline: () => deadline,
    buckets,
    close: collector.close,
  }
}
