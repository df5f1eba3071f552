import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import { makeSparingly } from "../../base/logOncePerMinute.ts"
import { monotonicMillis } from "../../base/monotonic.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import type { ExportRule } from "../../select/Export.ts"
import { type Fenced, Finished, Released } from "../LaneEnd.ts"
import type { Feed } from "../read/Feed.ts"
import type { Fitting } from "./batchSize.ts"
import { Bodies } from "./bodyBuffers.ts"
import type { Reading } from "./catchUp.ts"
import type { Bury } from "./deadLettering.ts"
import { type Gathering, makeGathering, type Unfit } from "./fillBatch.ts"
import type { Layout } from "./layout.ts"
import type { OpenBatch } from "./openBatch.ts"
import type { Book } from "./progress.ts"
import type { Notice } from "./stopNotice.ts"
import type { Probes } from "./suspectTimer.ts"
import * as Transitions from "./transitions.ts"

/** What a lane does next. */
export type Next =
  /** A batch is open: it is to be sent. */
  | { readonly _tag: "Batch"; readonly open: OpenBatch }
  /** No event has come, and it is time to try a suspect. */
  | { readonly _tag: "ProbeSuspect" }
  /** The events of the batch that was open are all gone: what comes behind them is to be taken. */
  | { readonly _tag: "NothingLeft" }

const probeSuspect: Next = { _tag: "ProbeSuspect" }
const nothingLeft: Next = { _tag: "NothingLeft" }

export interface Taking {
  /** Waits for the first event, and collects until a limit or the time is reached. */
  readonly nextBatch: Effect.Effect<Next, Fenced | Released | Finished | StoreError>
  /** Nobody asks for what a batch holds any more. */
  readonly takeBack: (open: OpenBatch) => void
  /** Everything there is has been looked at, and nothing is in hand. */
  readonly isIdle: () => boolean
}

interface Options {
  readonly name: string
  readonly destination: Destination
  readonly exportRule: ExportRule
  readonly layout: Layout
  /** What one request may hold of the memory that all lanes share. */
  readonly batchBytes: () => number
  readonly askForMore: () => void
  readonly onChange: () => void
  readonly draining: () => boolean
}

interface Parts {
  readonly book: Book
  readonly feed: Feed
  readonly reading: Reading
  readonly bury: Bury
  readonly probes: Probes
  readonly fitting: Fitting
  readonly notice: Notice
  readonly wake: Latch.Latch
}

export const makeTaking = (options: Options, parts: Parts): Taking => {
  const { destination } = options
  const { book, feed, reading, bury, probes, fitting, notice, wake } = parts
  const warnOfExport = makeSparingly()
  /** The lane rests with nothing in hand. */
  let idle = false
  const bodies = new Bodies()

  /**
   * The next event cannot be exported, and nothing is in hand: it dies, and what was open is not
   * any more.
   */
  const leaveOut = Effect.fnUntraced(function* ({ source, error: { message } }: Unfit) {
    yield* warnOfExport(
      Effect.logWarning("an event could not be exported", message).pipe(
        Effect.annotateLogs({ destination: destination.id }),
      ),
    )
    const first = feed.ahead
    const loss = yield* bury([source], "unexportable", { status: null, error: message })
    feed.take()
    book.change(Transitions.eventLeftOut(first, feed.ahead, loss))
    yield* book.save
  })

  /**
   * While the lane rests, events are taken as they are dealt: it is woken by the first one, and
   * when the batch is full.
   */
  const takeAndWake = (gathering: Gathering): void => {
    const wasEmpty = gathering.count() === 0
    gathering.pull()
    if (gathering.count() > 0) idle = false
    const isBegun = wasEmpty && gathering.count() > 0
    if (isBegun || gathering.isFull() || gathering.unfit() !== null || !feed.attached) wake.openUnsafe()
  }

  const restUntil = Effect.fnUntraced(function* (gathering: Gathering, until: number | null, now: number) {
    const { onNews } = feed
    feed.onNews = () => takeAndWake(gathering)
    yield* reading.rest(until === null ? null : Math.max(until - now, 0)).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          feed.onNews = onNews
        }),
      ),
    )
  })

  /** Opens what was gathered. The batch that was open before goes on if it is the same. */
  const opened = (gathering: Gathering): Next => {
    const start = gathering.start()
    const { buckets } = gathering
    const { taken, last, batch, ranges } = gathering.close()
    bodies.closed(batch.bodies)
    if (last === null) {
      book.change(Transitions.reopened(start))
      return nothingLeft
    }
    const open: Transitions.Open = {
      count: taken.length,
      buckets,
      last: [last.position, last.index],
      todo: ranges,
    }
    // It is another one when the filter has changed since.
    const isResumed = Transitions.isOpen(book.standing, open)
    book.change(Transitions.batchOpened(start, open))
    return {
      _tag: "Batch",
      open: { taken, batch, isResumed, isSplit: isResumed, areBodiesFree: true },
    }
  }

  return {
    takeBack: ({ areBodiesFree, batch }) => {
      if (book.state.open === null && areBodiesFree) bodies.giveBack(batch.bodies)
    },

    isIdle: () => idle && feed.queued === 0,

    nextBatch: Effect.gen(function* () {
      // A batch whose end the log has lost is another one by now.
      const { open } = book.state
      if (open !== null && (yield* reading.endsBefore(open.last[0]))) {
        book.change(Transitions.reopened(feed.ahead))
      }
      const resumed = book.state.open
      const maxBytes = Math.min(options.batchBytes(), fitting.limit())
      const gathering = makeGathering(options, feed, bodies, maxBytes, resumed)
      for (;;) {
        if (notice.isGiven()) {
          if (gathering.count() === 0 && resumed === null) yield* book.save
          yield* book.kept
          return yield* new Released({ name: options.name })
        }
        gathering.pull()
        if (feed.attached && feed.hungry) options.askForMore()
        if (gathering.isFull()) break
        const unfit = gathering.unfit()
        if (unfit !== null) {
          // What is in hand goes first: the letter is saved together with the place behind the
          // event.
          if (gathering.count() > 0) break
          yield* leaveOut(unfit)
          gathering.goOn()
          continue
        }
        if (feed.queued === 0 && feed.finished) {
          if (gathering.count() > 0) break
          yield* book.save
          return yield* new Finished({ name: options.name })
        }
        if (resumed !== null && feed.queued === 0 && feed.readAfter >= resumed.last[0]) break
        const now = yield* monotonicMillis
        const isDue = options.draining() || now >= gathering.deadline()
        if (gathering.count() > 0 && resumed === null && isDue) break
        wake.closeUnsafe()
        if (!feed.attached) {
          const more = yield* reading.readOn.pipe(
            Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
              gathering.count() > 0 ? Effect.succeed(null) : Effect.as(reading.goOnAt(resumeAt), true),
            ),
          )
          if (more === null) break
          if (!more && !feed.endless) feed.endHere()
          if (more || feed.finished) continue
        }
        if (feed.queued > 0) continue
        yield* book.kept
        idle = gathering.count() === 0
        // A batch that is sent once more is taken as it was, however long that takes.
        const deadline = resumed === null ? gathering.deadline() : null
        const until = idle ? yield* probes.next(now) : deadline
        if (idle && until !== null && until <= now) {
          idle = false
          return probeSuspect
        }
        if (idle) bodies.forget()
        options.onChange()
        yield* restUntil(gathering, until, now)
        idle = false
      }
      yield* book.kept
      return opened(gathering)
    }),
  }
}
