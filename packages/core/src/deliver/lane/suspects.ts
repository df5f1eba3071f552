import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { DeadReason } from "../../ports/DeadLetters.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import type { ExportError, ExportRule } from "../../select/Export.ts"
import * as Delivery from "../Delivery.ts"
import type { Fenced, Released } from "../LaneEnd.ts"
import type { Suspect } from "../LaneState.ts"
import { exportedEvents } from "../read/Feed.ts"
import type { Sent } from "../send/Sender.ts"
import * as Batch from "./Batch.ts"
import { placeId } from "./batchBuckets.ts"
import type { Reading, Source } from "./catchUp.ts"
import type { Bury } from "./deadLettering.ts"
import type { Layout } from "./layout.ts"
import type { Book } from "./progress.ts"
import type { Round } from "./round.ts"
import type { Probes } from "./suspectTimer.ts"
import * as Transitions from "./transitions.ts"

/**
 * At most so many events are held as suspects; then they are tried again in turn rather than new
 * ones.
 */
const maxSuspects = 64

/**
 * A lone event that is not refused dies only after this many failures, each with a neighbour
 * passing just before and just after.
 */
const maxStrikes = 5

/**
 * How often in a row a suspect is tried, by how often it was struck before: a receiver that fails
 * every few requests, and so on the same event each time, does not fail by both counts.
 */
const triesInARow = ({ strikes }: Suspect): number => 1 + (strikes % 2)

/**
 * A refusal counts when it is repeated: behind a balancer every other request may go to a server
 * that takes nothing.
 */
const refusals = 2

/** What is given up for its age while others pass is tried this often in a row first. */
const lastTries = 8

const isRefusal = (
  verdict: Delivery.Verdict,
): verdict is Delivery.Verdict & { readonly outcome: "refused" | "too-large" } =>
  verdict.outcome === "refused" || verdict.outcome === "too-large"

/**
 * Events that failed alone. They are out of the way of the others, and whether it was the event or
 * the destination is what the others show: no event dies of a refusal or another failure unless
 * another has passed.
 */
export interface Suspects {
  /**
   * Holds an event of the open batch. `failed`: just now, while its neighbours pass. `earlier`: it
   * has failed alone before, and may pass by now.
   *
   * @param at where it stands in the batch
   */
  readonly hold: (
    at: number,
    source: Source,
    why: "refused" | "failed" | "earlier",
    status: number | null,
  ) => Effect.Effect<void>
  /**
   * Another event has passed, so the destination takes events: each suspect that is due is sent
   * once more. Refused again, or failed often enough, it dies. Ends at the first other failure:
   * those left wait for the next event that passes.
   */
  readonly retry: Effect.Effect<void, Fenced | Released | StoreError>
  readonly hasRoom: () => boolean
  /**
   * Nothing passes: the oldest suspect is tried before anything new, so that after an outage events
   * go out in order. With as many as may be held, the others take turns behind it.
   */
  readonly tryOldest: Effect.Effect<void, Fenced | Released | StoreError>
  /**
   * No other event comes that could show whose fault it was. It may pass by now; if not, it stays a
   * suspect.
   */
  readonly probe: Effect.Effect<void, Fenced | Released | StoreError>
}

interface Options {
  readonly destination: Destination
  readonly partition: number
  readonly exportRule: ExportRule
  readonly layout: Layout
}

interface Parts {
  readonly book: Book
  readonly reading: Reading
  readonly bury: Bury
  readonly round: Round
  readonly probes: Probes
}

const sourceOf = ({ after, entry, index }: Suspect): Source => ({
  after,
  position: entry ?? null,
  index,
})

/** It could be exported when it was held, and cannot be any more. */
const unexportable = ({ message }: ExportError): Sent => ({
  verdict: { outcome: "refused", status: null, noReply: null, error: message, retryAfter: null },
  record: () => {},
})

export const makeSuspects = (
  { destination, partition, exportRule, layout }: Options,
  parts: Parts,
): Suspects => {
  const { book, reading, bury, round, probes } = parts

  /** `null` when the log no longer has the event: then it is no suspect any more. */
  const send = Effect.fnUntraced(function* (suspect: Suspect) {
    const [loaded] = yield* reading.load([sourceOf(suspect)])
    if (loaded === undefined) {
      book.change(Transitions.suspectLost(suspect, { dead: 0, trimmed: 1 }))
      return null
    }
    const { item, index } = loaded
    const builder = Batch.make(destination.batch, layout)
    const exported = exportedEvents(item, exportRule)
    // A first event is of any origin.
    const error = exported.write(index, builder.begin(exported.origin)!)
    if (error !== null) return unexportable(error)
    builder.commit()
    const id = placeId({ entryId: item.entry.id, time: item.entry.events[index]!.time, index })
    const body = builder.close().body([0, 1])
    const at = [item.position, index] as const
    const range = { partition, first: at, last: at }
    return yield* round.send({ body, first: id, last: id, count: 1, origin: exported.origin, range })
  })

  const delivered = (suspect: Suspect): void => {
    book.change(Transitions.suspectDelivered(suspect))
    round.passed()
  }

  /** It dies, and is none any more. */
  const convict = Effect.fnUntraced(function* (
    suspect: Suspect,
    reason: DeadReason,
    why: Pick<Delivery.Verdict, "status" | "error">,
  ) {
    const loss = yield* bury([sourceOf(suspect)], reason, why)
    book.change(Transitions.suspectLost(suspect, loss))
  })

  /** The last failure of a suspect, and now a neighbour has passed after it. */
  const strike = Effect.fnUntraced(function* (suspect: Suspect) {
    book.change(Transitions.suspectStruck(suspect))
    if (suspect.strikes + 1 < maxStrikes) return
    const error = `the receiver failed ${maxStrikes} times on this event alone, while others passed`
    yield* convict(suspect, "poison", { status: suspect.status ?? null, error })
  })

  /**
   * The same, until it passes, has failed so often, or was refused {@link refusals} times and
   * nothing else: a receiver that has begun to fail in another way meanwhile may refuse anything.
   */
  const sendInARow = Effect.fnUntraced(function* (suspect: Suspect, times: number) {
    let refused = 0
    for (let tried = 1; ; tried++) {
      const sent = yield* send(suspect)
      if (sent === null || sent.verdict.outcome === "delivered") return { sent, isRefused: false }
      if (isRefusal(sent.verdict)) refused += 1
      const isRefused = refused === tried && refused >= refusals
      if (isRefused || (tried >= times && refused < tried)) return { sent, isRefused }
      sent.record(null)
    }
  })

  const isOld = (from: number, now: number): boolean => now - from >= destination.retry.giveUpAfter

  /**
   * Failing while nothing passes, for as long as anything may fail: given up. A wrong set-up is not
   * the event's fault.
   */
  const expireAlone = Effect.fnUntraced(function* (suspect: Suspect, verdict: Delivery.Verdict) {
    const now = yield* book.time
    book.change(Transitions.suspectFailedAlone(now))
    if (verdict.outcome !== "not-now") return
    const { nothingPassedFrom = now } = book.state
    const from = Math.max(suspect.since ?? now, nothingPassedFrom)
    if (isOld(from, now)) yield* convict(suspect, "expired", verdict)
  })

  /** When a suspect that has failed once more may be tried again. */
  const dueAgain = (suspect: Suspect, now: number): number =>
    now + Delivery.waitAfter(destination.retry, Transitions.triesOf(suspect) + 1, null, 1).millis

  /**
   * A time further off than any wait was written by another clock: this one, or that one, has been
   * set.
   */
  const isDue = ({ due }: Suspect, now: number): boolean => due <= now || due - now > destination.retry.max

  /**
   * Nothing has passed: one suspect is tried. When it passes the others are too; otherwise the lane
   * waits a little.
   */
  const tryAlone = Effect.fnUntraced(function* (suspect: Suspect) {
    const sent = yield* send(suspect)
    if (sent === null) {
      yield* book.save
      return "gone"
    }
    const { verdict, record } = sent
    if (verdict.outcome === "delivered") {
      delivered(suspect)
      record(null)
      yield* book.save
      yield* retry
      return "passed"
    }
    // Failing on a suspect again says nothing of its neighbours.
    yield* expireAlone(suspect, verdict)
    const pause = round.shortPause(1, verdict.retryAfter)
    record(pause)
    yield* book.save
    yield* round.wait(pause)
    return "failed"
  })

  /** The oldest of some that the log still has. */
  const tryFirst = Effect.fnUntraced(function* (which: (suspect: Suspect) => boolean) {
    for (;;) {
      const first = book.state.suspects.find(which)
      if (first === undefined) return "gone"
      const tried = yield* tryAlone(first)
      if (tried !== "gone") return tried
    }
  })

  /** Whose turn it is behind the oldest. */
  let turn = 0
  const tryOther = Effect.suspend(() => {
    const others = book.state.suspects.slice(1)
    turn = (turn + 1) % Math.max(others.length, 1)
    const other = others[turn]
    return other === undefined ? Effect.succeed("gone" as const) : tryAlone(other)
  })

  const retry: Suspects["retry"] = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const open of book.state.suspects.filter((one) => one.open)) {
      yield* strike(open)
      yield* book.save
    }
    const time = yield* book.time
    for (const suspect of book.state.suspects) {
      if (!isDue(suspect, now)) continue
      const isLast = isOld(suspect.since ?? time, time)
      const { sent, isRefused } = yield* sendInARow(suspect, isLast ? lastTries : triesInARow(suspect))
      if (sent === null) continue
      const { verdict, record } = sent
      record(null)
      if (verdict.outcome === "delivered") delivered(suspect)
      else if (isRefused && isRefusal(verdict)) yield* convict(suspect, verdict.outcome, verdict)
      else {
        // Even one that is given up may have taken the receiver down with it: the others wait for
        // the next event that passes.
        if (isLast) yield* convict(suspect, "expired", verdict)
        else {
          book.change(Transitions.suspectFailedAgain(suspect, verdict.status, dueAgain(suspect, now)))
        }
        book.change(Transitions.ranUntil(time))
        return yield* book.save
      }
      yield* book.save
    }
  })

  const isFull = (): boolean => book.state.suspects.length >= maxSuspects

  return {
    hold: Effect.fnUntraced(function* (at, { after, position, index }, why, status) {
      const held = {
        after,
        ...(position === null ? {} : { entry: position }),
        index,
        kind: why === "refused" ? ("refused" as const) : ("poison" as const),
        strikes: 0,
        open: why === "failed",
        due: 0,
        status,
        since: yield* book.time,
      }
      book.change(Transitions.suspectHeld(at, held))
    }),
    retry,
    hasRoom: () => !isFull(),
    tryOldest: Effect.gen(function* () {
      if (!book.state.probing) return
      const tried = yield* tryFirst(({ kind }) => kind === "poison" || isFull())
      if (tried === "failed" && isFull()) yield* tryOther
    }),
    probe: Effect.gen(function* () {
      if ((yield* tryFirst(() => true)) !== "failed") return
      // By chance: taking turns, the same one could meet each failure of a receiver that flaps.
      const isNext = (yield* Random.next) < 1 / 2
      if (isNext && (yield* tryOther) === "passed") return
      probes.wasInVain()
    }),
  }
}
