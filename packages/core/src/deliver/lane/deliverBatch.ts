import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Backlog } from "../../ports/Backlog.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import type * as Delivery from "../Delivery.ts"
import { type Fenced, Gone, type Released } from "../LaneEnd.ts"
import type { Feed } from "../read/Feed.ts"
import type { Router } from "../read/Router.ts"
import * as Batch from "./Batch.ts"
import { placeId } from "./batchBuckets.ts"
import type { Fitting } from "./batchSize.ts"
import type { Doubt, Part } from "./bisection.ts"
import type { Reading } from "./catchUp.ts"
import type { Bury } from "./deadLettering.ts"
import type { GivingUp } from "./givingUp.ts"
import { countOf, cut, firstAlone, firstOf, type OpenBatch, rangeOf, without } from "./openBatch.ts"
import type { Book } from "./progress.ts"
import type { Round } from "./round.ts"
import type { Notice } from "./stopNotice.ts"
import type { Suspects } from "./suspects.ts"
import * as Transitions from "./transitions.ts"

/**
 * A lane that waits longer than this (ms) takes no more from the log meanwhile, and keeps its batch
 * only while there is room for what all of them keep: a thousand dead destinations hold no more
 * than that. Without room it reads the batch again.
 */
const longWait = 5_000

/** Bytes for where an event of a batch comes from, about. */
const bytesPerSource = 64

/** Halved this often more than one event takes, with nothing passing: it is the destination. */
const moreHalvings = 4

interface Options {
  readonly destination: Destination
  readonly partition: number
  readonly router: Router
  /** What all lanes may keep of their batches while they wait for long. */
  readonly keeping: Pick<Backlog, "take" | "give">
}

interface Parts {
  readonly book: Book
  readonly feed: Feed
  readonly reading: Reading
  readonly bury: Bury
  readonly round: Round
  readonly doubt: Doubt
  readonly fitting: Fitting
  readonly givingUp: GivingUp
  readonly suspects: Suspects
  readonly notice: Notice
}

/** An attempt that failed. */
interface Failure {
  readonly range: Batch.Range
  /** The part of a batch in doubt that was tried; `null` when it was the next range, as usual. */
  readonly part: Part | null
  readonly bytes: number
  readonly verdict: Delivery.Verdict
}

/**
 * Sends a batch, whole or in parts, until every event of it is delivered, dead or a suspect.
 * Returns before that when it has waited for long and not kept the batch: then it is to be taken
 * again, and what is left of it is in the book.
 */
export type Settle = (open: OpenBatch) => Effect.Effect<void, Fenced | Released | Gone | StoreError>

export const makeSettle = (options: Options, parts: Parts): Settle => {
  const { destination, partition, router, keeping } = options
  const { book, feed, reading, bury, round, doubt, fitting, givingUp, suspects, notice } = parts

  /**
   * What the batch was when something passed last: what it is put back to when nothing more passes.
   */
  let lastGood: Transitions.Left | null = null

  /** What is left of the open batch. */
  const left = (): ReadonlyArray<Batch.Range> => book.state.open?.todo ?? []

  const sendRange = ({ taken, batch }: OpenBatch, range: Batch.Range) => {
    const [from, to] = range
    const body = batch.body(range)
    const { length: bytes } = body
    const first = taken.at(from)
    const last = taken.at(to - 1)
    const send = round.send({
      body,
      first: placeId(first),
      last: placeId(last),
      range: {
        partition,
        first: [first.position, first.index],
        last: [last.position, last.index],
      },
      count: to - from,
      origin: batch.origin(range),
      receivedAt: first.receivedAt,
    })
    return Effect.map(send, (sent) => ({ range, bytes, ...sent }))
  }

  const delivered = (range: Batch.Range, bytes: number): void => {
    book.change(Transitions.partDelivered(range))
    round.passed()
    fitting.passed(bytes)
    lastGood = null
  }

  const saveProgress = Effect.suspend(() => (left().length === 0 ? book.settle : book.save))

  /**
   * Sends what is next: while all is well, as many ranges at once as there may be requests under
   * way; otherwise one. Returns the first that was not delivered, which then stands first; others
   * that were not are sent again when it is their turn. What was not allowed to start ends the
   * lane, once the others have been heard.
   */
  const sendWave = Effect.fnUntraced(function* (open: OpenBatch) {
    const isWell = book.state.failures === 0 && !book.state.probing && !open.isSplit
    const wave = left().slice(0, isWell ? destination.concurrency : 1)
    const sending = wave.map((range) => Effect.result(sendRange(open, range)))
    // Fibers that run side by side are for several.
    const results =
      sending.length === 1 ? [yield* sending[0]!] : yield* Effect.all(sending, { concurrency: "unbounded" })
    const answers = results.filter(Result.isSuccess).map(({ success }) => success)
    open.areBodiesFree &&= answers.every(({ verdict }) => verdict.isBodyFree === true)
    const failures = answers.filter(({ verdict }) => verdict.outcome !== "delivered")
    for (const { range, bytes, verdict, record } of answers) {
      if (verdict.outcome !== "delivered") continue
      delivered(range, bytes)
      record(null)
    }
    for (const { record } of failures.slice(1)) record(null)
    const denied = results.find(Result.isFailure)
    if (denied !== undefined) {
      if (failures[0] !== undefined) failures[0].record(null)
      if (answers.length > 0) yield* saveProgress
      return yield* denied.failure
    }
    return failures[0] === undefined ? null : { part: null, ...failures[0] }
  })

  const hold = (open: OpenBatch, at: number, why: Parameters<Suspects["hold"]>[2], status: number | null) => {
    fitting.spoil()
    return suspects.hold(at, open.taken.at(at), why, status)
  }

  /** Holds the first events that are left, and whether they failed is known from before. */
  const holdFirst = Effect.fnUntraced(function* (open: OpenBatch, count: number) {
    for (const at of firstOf(left(), count)) yield* hold(open, at, "earlier", null)
  })

  /**
   * Sends a part of a batch in doubt. If it passes, what was to go before it has failed alone, and
   * the rest is split where it fails.
   */
  const sendPart = Effect.fnUntraced(function* (open: OpenBatch, part: Part) {
    const sent = yield* sendRange(open, rangeOf(left(), part))
    const { range, bytes, verdict, record } = sent
    open.areBodiesFree &&= verdict.isBodyFree === true
    if (verdict.outcome !== "delivered") return { part, ...sent }
    open.isSplit = true
    yield* holdFirst(open, part.skip)
    delivered(range, bytes)
    record(null)
    doubt.split()
    return null
  })

  /** Splits what failed, or holds it when it is one event alone. */
  const split = Effect.fnUntraced(function* (
    open: OpenBatch,
    { range, bytes, verdict: { status } }: Failure,
    why: "refused" | "failed",
  ) {
    const halves = Batch.halve(range)
    open.isSplit = true
    if (halves.length === 0) return yield* hold(open, range[0], why, status)
    book.change(Transitions.rangeSplit(range, halves))
    fitting.failed(bytes)
  })

  /**
   * Nothing passed while what is left was split: it becomes again what it was, and nobody is
   * suspected.
   */
  const putBack = (good: Transitions.Left): void => {
    doubt.stopSplitting()
    book.change(Transitions.putBack(good))
    lastGood = null
  }

  /**
   * Received too long ago, at a destination that has failed for as long: given up, right after it
   * has failed, alone as a rule. Returns how long to wait; `null` when there is nothing to give up.
   */
  const giveUpOld = Effect.fnUntraced(function* (open: OpenBatch, { range, verdict }: Failure) {
    const limit = yield* givingUp.limit
    if (limit === null) return null
    const isOld = (at: number) => open.taken.at(at).receivedAt <= limit
    const kept = without(range, isOld)
    const old = without(range, (at) => !isOld(at)).flatMap((one) => open.taken.slice(one))
    if (old.length === 0) return null
    const oldest = old.reduce((least, { receivedAt }) => Math.min(least, receivedAt), limit)
    const failed = range[1] - range[0]
    const most = givingUp.most(failed, open.taken.length, oldest, limit)
    lastGood = null
    doubt.lookAnew()
    open.isSplit = true
    if (failed > most) book.change(Transitions.rangeSplit(range, cut(range, most)))
    else {
      fitting.spoil()
      const loss = yield* bury(old, "expired", verdict)
      book.change(Transitions.partGivenUp(range, kept, loss))
    }
    // What may have died of this part is to be back before the next one is judged.
    return round.shortPause(1, verdict.retryAfter)
  })

  const isRoundOver = (): boolean => round.isSpent() || left().length === 0

  /** Refused, or too large: the reply is about these events, so they are split at once. */
  const onRefused = Effect.fnUntraced(function* (open: OpenBatch, failure: Failure) {
    const { verdict } = failure
    yield* split(open, failure, "refused")
    doubt.lookAnew()
    if (round.somethingPassed() || !(book.state.probing || isRoundOver())) {
      return round.isSpent() ? yield* round.backOff(verdict.retryAfter) : null
    }
    // Nothing has passed: it is the destination, not the events. From now on one event a round is
    // tried.
    yield* book.failed
    book.change(Transitions.probingBegun)
    return yield* round.backOff(verdict.retryAfter)
  })

  /** Any other failure: the destination's, or the batch's after all. */
  const onFailed = Effect.fnUntraced(function* (open: OpenBatch, failure: Failure) {
    const { range, part, bytes, verdict } = failure
    doubt.failed(verdict)
    if (verdict.outcome === "not-now" && (part === null || part.skip === 0)) {
      const pause = yield* giveUpOld(open, failure)
      if (pause !== null) return pause
    }
    if (part === null && book.state.probing && range[1] - range[0] === 1 && suspects.hasRoom()) {
      // Nothing passes, one event after the other: whose fault it is will be seen when something
      // does.
      yield* holdFirst(open, 1)
    } else if (part === null && (doubt.isSplitting() || fitting.isTry(bytes))) {
      const good: Transitions.Left = lastGood ?? { todo: left(), suspects: book.state.suspects.length }
      lastGood = good
      doubt.split()
      doubt.halvedInVain()
      yield* split(open, failure, "failed")
      if (doubt.inVain() > Math.log2(countOf(good.todo)) + moreHalvings) putBack(good)
    } else if (part !== null) doubt.partFailed()
    else if (yield* isPartNext(open)) return round.shortPause(doubt.tried() + 1, verdict.retryAfter)
    yield* book.failed
    return yield* round.backOff(verdict.retryAfter)
  })

  /** The whole has failed: says whether a part of it is to be tried before it is sent again. */
  const isPartNext = Effect.fnUntraced(function* (open: OpenBatch) {
    const next = doubt.choose(countOf(left().slice(0, 1)), countOf(left()))
    if (next === "all failed") {
      doubt.lookAnew()
      if (suspects.hasRoom()) {
        // Other events are to show whose fault it is.
        yield* holdFirst(open, countOf(left()))
        book.change(Transitions.probingBegun)
      }
    }
    return next === "part"
  })

  /** What a failure changes. Returns how long to wait, `null` for not at all. */
  const judge = Effect.fnUntraced(function* (open: OpenBatch, failure: Failure) {
    book.change(Transitions.strikesForgotten)
    switch (failure.verdict.outcome) {
      case "delivered":
        return null
      case "gone":
        yield* book.save
        return yield* new Gone({ destination: destination.id })
      case "refused":
      case "too-large":
        return yield* onRefused(open, failure)
      case "not-now":
      case "misconfigured":
        return yield* onFailed(open, failure)
    }
  })

  /**
   * Returns whether the batch is to be taken again: it was forgotten, the log has no longer all of
   * it, or the lane is to go no further.
   */
  const wait = Effect.fnUntraced(function* ({ taken, batch }: OpenBatch, pause: Delivery.Wait) {
    const { open } = book.state
    if (pause.millis <= longWait || open === null || open.todo.length === 0) {
      yield* round.wait(pause)
      return false
    }
    const bytes = batch.bodies.reduce((sum, body) => sum + body.bytes.length, taken.length * bytesPerSource)
    const isKept = keeping.take(bytes)
    const goBack = (): void => feed.rewind(book.standing.place)
    router.detach(feed)
    reading.forget()
    if (isKept) feed.rewind(feed.ahead)
    else goBack()
    const giveBack = Effect.sync(() => {
      if (isKept) keeping.give(bytes)
    })
    yield* Effect.ensuring(round.wait(pause), giveBack)
    if (!isKept) return true
    const goesOn = !notice.isGiven() && (yield* reading.hasAll(book.standing.place.position, open.last[0]))
    if (!goesOn) goBack()
    return !goesOn
  })

  const retrySuspects = Effect.suspend(() =>
    book.state.suspects.length > 0 ? Effect.andThen(book.kept, suspects.retry) : Effect.void,
  )

  return Effect.fnUntraced(function* (open) {
    round.begin()
    if (!open.isResumed) {
      doubt.beginBatch()
      fitting.beginBatch()
      lastGood = null
    }
    while (left().length > 0) {
      if (book.state.probing) {
        yield* suspects.tryOldest
        lastGood = null
        if (book.state.probing) {
          open.isSplit = true
          const first = left()[0]!
          book.change(Transitions.rangeSplit(first, firstAlone(first)))
        }
      }
      const part = doubt.part()
      const failure = yield* part === null ? sendWave(open) : sendPart(open, part)
      if (failure === null) {
        if (left().length === 0) fitting.settled()
        yield* saveProgress
        yield* retrySuspects
        continue
      }
      const pause = yield* judge(open, failure).pipe(
        Effect.tapError(() => Effect.sync(() => failure.record(null))),
      )
      failure.record(pause)
      yield* saveProgress
      if (pause !== null && (yield* wait(open, pause))) return
    }
  })
}
