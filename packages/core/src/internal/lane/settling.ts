import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Batch from "../../Batch.ts"
import * as Delivery from "../../Delivery.ts"
import type { Destination } from "../../Destination.ts"
import { type Fenced, Gone, type Released } from "../../LaneEnd.ts"
import type { Suspect } from "../../LaneState.ts"
import type { StoreError } from "../../StoreError.ts"
import { placeId } from "../collector.ts"
import type { Feed, Router } from "../Feed.ts"
import type { Book } from "./book.ts"
import type { Breakages } from "./breakages.ts"
import type { Bury } from "./burying.ts"
import { type OpenBatch, withFirstAlone, without } from "./openBatch.ts"
import type { Reading } from "./reading.ts"
import type { Round } from "./round.ts"
import type { Suspects } from "./suspects.ts"

/** A lane that waits longer than this (ms) keeps no batch in memory, so that a thousand dead destinations hold nothing: it reads it again. */
const keepWhileWaiting = 5_000

interface Options {
  readonly destination: Destination
  readonly router: Router
}

interface Parts {
  readonly book: Book
  readonly feed: Feed
  readonly reading: Reading
  readonly bury: Bury
  readonly round: Round
  readonly breakages: Breakages
  readonly suspects: Suspects
}

/**
 * Sends a batch, whole or in parts, until every event of it is delivered, dead or a suspect. Returns before that when it has waited for long:
 * then the batch is to be taken again, and what is left of it is in the book.
 */
export type Settle = (open: OpenBatch) => Effect.Effect<void, Fenced | Released | Gone | StoreError>

export const makeSettle = ({ destination, router }: Options, parts: Parts): Settle => {
  const { book, feed, reading, bury, round, breakages, suspects } = parts

  const sendRange = ({ taken, batch }: OpenBatch, range: Batch.Range) => {
    const [from, to] = range
    const send = round.send(batch.body(range), placeId(taken.at(from)), placeId(taken.at(to - 1)), to - from)
    return Effect.map(send, (sent) => ({ range, ...sent }))
  }

  const delivered = (open: OpenBatch, range: Batch.Range): void => {
    round.passed(range[1] - range[0])
    open.todo = open.todo.filter((one) => one !== range)
    open.whole = null
  }

  const saveProgress = (open: OpenBatch) =>
    open.todo.length === 0 ? book.saveSettled(open) : book.saveOpen(open)

  /**
   * Sends what is next: while all is well, as many ranges at once as there may be requests under way; otherwise one. Returns the first
   * that was not delivered, which then stands first; others that were not are sent again when it is their turn. What was not allowed to start ends the lane,
   * once the others have been heard.
   */
  const sendWave = Effect.fnUntraced(function* (open: OpenBatch) {
    const isWell = book.state.failures === 0 && !book.state.probing && !open.splitting
    const wave = open.todo.slice(0, isWell ? destination.concurrency : 1)
    const results = yield* Effect.forEach(wave, (range) => Effect.result(sendRange(open, range)), {
      concurrency: "unbounded",
    })
    const answers = results.filter(Result.isSuccess).map(({ success }) => success)
    open.areBodiesFree &&= answers.every(({ isBodyFree }) => isBodyFree)
    const failures = answers.filter(({ verdict }) => verdict.outcome !== "delivered")
    for (const { range, verdict, record } of answers) {
      if (verdict.outcome !== "delivered") continue
      delivered(open, range)
      record(null)
    }
    for (const { record } of failures.slice(1)) record(null)
    const denied = results.find(Result.isFailure)
    if (denied !== undefined) {
      if (failures[0] !== undefined) failures[0].record(null)
      if (answers.length > 0) yield* saveProgress(open)
      return yield* denied.failure
    }
    return failures[0] ?? null
  })

  /** Splits what failed, or holds it when it is one event alone. */
  const split = (open: OpenBatch, range: Batch.Range, kind: Suspect["kind"]): void => {
    const halves = Batch.halve(range)
    open.todo = [...halves, ...open.todo.slice(1)]
    if (halves.length === 0) suspects.hold(open.taken.at(range[0]), kind)
  }

  /** Nothing passed while a batch was split for 500s: an outage. It becomes whole again, nobody is suspected, and the next split is later. */
  const putBack = (open: OpenBatch): void => {
    if (open.whole === null) return
    open.todo = open.whole.todo
    suspects.clearAfter(open.whole.suspects)
    open.whole = null
    open.splitting = false
    breakages.wereAnOutage()
  }

  /** Received too long ago, at a destination that has failed for as long: given up, right after a failed attempt. */
  const giveUpOld = Effect.fnUntraced(function* (open: OpenBatch, verdict: Delivery.Verdict) {
    const range = open.todo[0]
    if (range === undefined) return false
    const limit = (yield* Clock.currentTimeMillis) - destination.retry.giveUpAfter
    const { failingSince } = book.state
    if (failingSince === null || failingSince > limit) return false
    const isOld = (at: number) => open.taken.at(at).receivedAt <= limit
    const kept = without(range, isOld)
    const old = without(range, (at) => !isOld(at)).flatMap((one) => open.taken.slice(one))
    if (old.length === 0) return false
    yield* bury(old, "expired", verdict)
    open.todo = [...kept, ...open.todo.slice(1)]
    return true
  })

  const isRoundOver = (open: OpenBatch): boolean => round.isSpent() || open.todo.length === 0

  const waitIfSpent = Effect.fnUntraced(function* ({ retryAfter }: Delivery.Verdict) {
    return round.isSpent() ? yield* round.backOff(retryAfter) : null
  })

  const onRefused = Effect.fnUntraced(function* (
    open: OpenBatch,
    range: Batch.Range,
    verdict: Delivery.Verdict,
  ) {
    split(open, range, "refused")
    if (round.somethingPassed() || !(book.state.probing || isRoundOver(open))) {
      return yield* waitIfSpent(verdict)
    }
    // Nothing has passed: it is the destination, not the events. From now on one event a round is tried.
    yield* book.failed
    book.update({ probing: true })
    return yield* round.backOff(verdict.retryAfter)
  })

  const onTooLarge = Effect.fnUntraced(function* (
    open: OpenBatch,
    range: Batch.Range,
    verdict: Delivery.Verdict,
  ) {
    const halves = Batch.halve(range)
    if (halves.length === 0) {
      yield* bury([open.taken.at(range[0])], "too-large", verdict)
      // What is dead is not to be put back.
      if (open.whole !== null) {
        const todo = open.whole.todo.flatMap((one) => without(one, (at) => at === range[0]))
        open.whole = { ...open.whole, todo }
      }
    }
    open.todo = [...halves, ...open.todo.slice(1)]
    return yield* waitIfSpent(verdict)
  })

  const onNotNow = Effect.fnUntraced(function* (
    open: OpenBatch,
    range: Batch.Range,
    verdict: Delivery.Verdict,
  ) {
    breakages.count(verdict)
    if (!open.splitting && breakages.mayBeTheBatch() && range[1] - range[0] > 1) {
      open.splitting = true
      open.whole = { todo: open.todo, suspects: suspects.count() }
      round.countFromThis()
      split(open, range, "poison")
      return null
    }
    if (open.splitting && Delivery.isBreakage(verdict)) {
      split(open, range, "poison")
      if (!isRoundOver(open)) return null
      if (round.somethingPassed()) {
        return open.todo.length === 0 ? null : yield* round.backOff(verdict.retryAfter)
      }
    }
    putBack(open)
    yield* book.failed
    if (yield* giveUpOld(open, verdict)) {
      return Delivery.waitAfter(destination.retry, 1, null, yield* Random.next)
    }
    return yield* round.backOff(verdict.retryAfter)
  })

  /** What a failure changes; the range stands first in `todo`. Returns how long to wait, `null` for not at all. */
  const judge = Effect.fnUntraced(function* (open: OpenBatch, range: Batch.Range, verdict: Delivery.Verdict) {
    suspects.noStrike()
    switch (verdict.outcome) {
      case "delivered":
        return null
      case "gone":
        yield* book.saveOpen(open)
        return yield* new Gone({ destination: destination.id })
      case "refused":
        return yield* onRefused(open, range, verdict)
      case "too-large":
        return yield* onTooLarge(open, range, verdict)
      case "not-now":
        return yield* onNotNow(open, range, verdict)
      case "misconfigured":
        putBack(open)
        yield* book.failed
        return yield* round.backOff(verdict.retryAfter)
    }
  })

  /** Returns whether the batch was forgotten for it. */
  const wait = Effect.fnUntraced(function* (open: OpenBatch, pause: Delivery.Wait) {
    const forget = pause.millis > keepWhileWaiting && open.todo.length > 0
    if (forget) {
      router.detach(feed)
      feed.rewind(open.start)
      reading.forget()
    }
    yield* round.wait(pause)
    return forget
  })

  const retrySuspects = (keep: Parameters<Suspects["retry"]>[0]) =>
    Effect.suspend(() =>
      suspects.count() > 0 ? Effect.andThen(book.kept, suspects.retry(keep)) : Effect.void,
    )

  return Effect.fnUntraced(function* (open) {
    round.begin()
    if (!open.isResumed) breakages.beginBatch()
    const keep = Effect.suspend(() => (open.todo.length === 0 ? book.saveHere : book.saveOpen(open)))
    while (open.todo.length > 0) {
      yield* suspects.makeRoom(keep)
      if (book.state.probing) open.todo = withFirstAlone(open.todo)
      const failure = yield* sendWave(open)
      if (failure === null) {
        yield* saveProgress(open)
        yield* retrySuspects(keep)
        continue
      }
      const { range, verdict, record } = failure
      const pause = yield* judge(open, range, verdict).pipe(
        Effect.tapError(() => Effect.sync(() => record(null))),
      )
      record(pause)
      yield* saveProgress(open)
      if (pause !== null) {
        if (yield* wait(open, pause)) return
      } else if (round.somethingPassed()) yield* retrySuspects(keep)
    }
  })
}
