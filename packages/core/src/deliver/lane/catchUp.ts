import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import { mayWant } from "../../entry/envelopeNames.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import * as LaneState from "../LaneState.ts"
import type { Feed, Item } from "../read/Feed.ts"
import { ReadAhead } from "../read/ReadAhead.ts"
import type { Router } from "../read/Router.ts"
import type { Taken } from "./batchBuckets.ts"
import type { Book } from "./progress.ts"
import * as Transitions from "./transitions.ts"

/** Where the log has an event. */
export interface Source extends Pick<Taken, "after" | "index"> {
  /** `null` when only the place in front of it is known. */
  readonly position: Position | null
}

export interface Loaded {
  readonly item: Item
  readonly index: number
}

/**
 * The lane's own way through the log, for as long as the head reader does not feed it, and single
 * events from anywhere in it.
 */
export interface Reading {
  /** While the feed is detached: reads on, or joins the head reader; false at the head. */
  readonly readOn: Effect.Effect<boolean, StoreError>
  /** Keeps nothing of what it has read: the feed will go on elsewhere, or much later. */
  readonly forget: () => void
  /**
   * The log has dropped entries this lane has not looked at, or has come back with less than the
   * lane has looked at.
   */
  readonly goOnAt: (resumeAt: Position) => Effect.Effect<void, StoreError>
  /** Whether the log has everything behind a place, up to a position that it has given. */
  readonly hasAll: (after: Position, upTo: string) => Effect.Effect<boolean, StoreError>
  /** Whether the log ends before a position that it has given. */
  readonly endsBefore: (position: string) => Effect.Effect<boolean, StoreError>
  /**
   * Until the lane is woken or there may be more to read, but no longer than so many ms; `null` for
   * as long as that takes.
   */
  readonly rest: (millis: number | null) => Effect.Effect<unknown, StoreError>
  /** The events themselves, from the log; those that it no longer has are left out. */
  readonly load: (sources: ReadonlyArray<Source>) => Effect.Effect<ReadonlyArray<Loaded>, StoreError>
}

interface Options {
  readonly destination: Destination
  readonly partition: number
  readonly log: EventLog["Service"]
  readonly router: Router
  readonly readBytes: () => number
  readonly askForMore: () => void
}

/** Entries of one read: as many as the head reader takes. */
const maxEntriesPerRead = 256

export const makeReading = (options: Options, book: Book, feed: Feed, wake: Latch.Latch): Reading => {
  const { destination, partition, log, router } = options

  const ahead = new ReadAhead()

  const read = Effect.fnUntraced(function* (
    into: ReadAhead,
    after: Position,
    maxEntries: number,
    wants: (eventName: string) => boolean,
  ) {
    const limits = { maxEntries, maxBytes: options.readBytes() }
    const isWanted = (envelope: string): boolean => mayWant(envelope, wants)
    into.fill(after, yield* retryStore(log.read(partition, after, limits, isWanted)))
  })

  /** The entry after a position; none when the log no longer has it. */
  const readOne = Effect.fnUntraced(function* (after: Position) {
    const one = new ReadAhead()
    let found: Item | undefined
    yield* read(one, after, 1, () => true).pipe(
      Effect.catchReason("StoreError", "OutOfRange", () => Effect.void),
    )
    yield* one.show(after, {
      wants: () => true,
      look: (item) => {
        found = item
      },
      pass: () => {},
      goOn: () => false,
      isAt: () => true,
    })
    return found
  })

  const join = (): boolean => {
    const joined = router.attach(feed)
    if (joined) {
      ahead.clear()
      options.askForMore()
    }
    return joined
  }

  const goOnAt = Effect.fnUntraced(function* (resumeAt: Position) {
    const { events } = yield* retryStore(log.stats(partition, resumeAt))
    const place = feed.ahead
    book.change(Transitions.cutOffAt(place, resumeAt))
    const missing = events - book.state.from - LaneState.looked(book.state)
    const noted = { destination: destination.id, partition, resumeAt }
    if (resumeAt > place.position && missing >= 0) {
      book.change(Transitions.trimmedUpTo(resumeAt, missing))
      yield* Effect.logWarning("the log no longer has all entries a destination waited for").pipe(
        Effect.annotateLogs({ ...noted, trimmed: book.state.trimmed }),
      )
    } else {
      book.change(Transitions.cameBackAt(resumeAt, missing))
      yield* Effect.logWarning(
        "the log has come back with less than it had given: a destination goes on behind what is left",
      ).pipe(Effect.annotateLogs({ ...noted, lost: -missing }))
    }
    ahead.clear()
    feed.jump(resumeAt)
    book.moved()
  })

  return {
    readOn: Effect.gen(function* () {
      if (join()) return true
      const after = feed.readAfter
      if (!ahead.has(after)) yield* read(ahead, after, maxEntriesPerRead, feed.filter.name)
      const next = ahead.peek(after)
      if (next !== undefined && feed.isOther(next.position)) {
        yield* goOnAt(after)
        return true
      }
      yield* ahead.show(after, {
        wants: feed.filter.name,
        look: (item) => feed.scan(item),
        pass: (entry) => feed.pass(entry),
        goOn: () => !feed.finished && feed.hungry && !join(),
        isAt: (before) => !feed.attached && feed.readAfter === before,
      })
      return next !== undefined
    }),

    forget: () => ahead.clear(),

    goOnAt,

    hasAll: (after, upTo) =>
      Effect.map(retryStore(log.bounds(partition)), ({ tail, head }) => tail <= after && upTo <= head),

    endsBefore: (position) => Effect.map(retryStore(log.bounds(partition)), ({ head }) => head < position),

    rest: (millis) => {
      const until = feed.attached
        ? wake.await
        : Effect.raceFirst(wake.await, retryStore(log.wait(partition, feed.readAfter)))
      return millis === null ? until : Effect.timeoutOption(until, millis)
    },

    load: Effect.fnUntraced(function* (sources) {
      const loaded: Array<Loaded> = []
      for (const { after, position, index } of sources) {
        let item = loaded.at(-1)?.item
        if (item?.before !== after) {
          item = yield* readOne(after)
        }
        if (item === undefined || (position !== null && item.position !== position)) continue
        if (index < item.entry.events.length) loaded.push({ item, index })
      }
      return loaded
    }),
  }
}
