import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { spanNames } from "../base/Telemetry.ts"
import * as Spans from "../base/tracing/Spans.ts"
import type { Backlog } from "../ports/Backlog.ts"
import { cursorName } from "../ports/CursorName.ts"
import type { CursorRecord, CursorSave, Cursors } from "../ports/Cursors.ts"
import type { DeadLetters } from "../ports/DeadLetters.ts"
import type { EventLog } from "../ports/EventLog.ts"
import type { Position } from "../ports/Position.ts"
import type { Destination } from "../select/Destination.ts"
import type { ExportRule } from "../select/Export.ts"
import type { CompiledFilter } from "../select/Filter.ts"
import type { Tenure } from "./dispatcher/lease.ts"
import type { LaneEnd } from "./LaneEnd.ts"
import * as LaneState from "./LaneState.ts"
import { makeFitting } from "./lane/batchSize.ts"
import { makeDoubt } from "./lane/bisection.ts"
import { makeReading } from "./lane/catchUp.ts"
import { makeBury } from "./lane/deadLettering.ts"
import { makeSettle } from "./lane/deliverBatch.ts"
import { makeGivingUp } from "./lane/givingUp.ts"
import type { Layout } from "./lane/layout.ts"
import { makeTaking } from "./lane/nextBatch.ts"
import { makeBook, takeOver, takeOverReplay } from "./lane/progress.ts"
import { makeRound } from "./lane/round.ts"
import { makeNotice } from "./lane/stopNotice.ts"
import { makeSuspects } from "./lane/suspects.ts"
import { makeProbes } from "./lane/suspectTimer.ts"
import { Feed } from "./read/Feed.ts"
import type { Router } from "./read/Router.ts"
import type { Sender } from "./send/Sender.ts"

export { type LaneEnd, Released } from "./LaneEnd.ts"

export interface LaneOptions {
  readonly destination: Destination
  /** Its own, compiled. */
  readonly filter: CompiledFilter
  readonly exportRule: ExportRule
  /** How its kind lays out a request's body. */
  readonly layout: Layout
  readonly partition: number
  /** Names a replay's lane; `null` for live traffic. */
  readonly replay: string | null
  /** Where the lane stood, as far as this process knows: for a store that has lost it. */
  readonly before?: CursorRecord | undefined
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly sender: Sender
  /** For how long this process may run the lane. */
  readonly tenure: Tenure
  readonly router: Router
  /**
   * How many bytes one read of a lane that has fallen behind may take: its share of what all of
   * them may.
   */
  readonly readBytes: () => number
  /** How many bytes one request may carry, likewise. */
  readonly batchBytes: () => number
  /** What all lanes may keep of their batches while they wait for long. */
  readonly keeping: Pick<Backlog, "take" | "give">
  /** The feed has room: the head reader may go on. */
  readonly askForMore: () => void
  /** The lane's place or condition has changed. */
  readonly onChange: () => void
  /** Batches are not to wait for more events any longer. */
  readonly draining: () => boolean
}

export interface LaneStatus {
  readonly state: LaneState.LaneState
  /** How far the lane has looked. */
  readonly place: Position
  /** Where a restart would go on. */
  readonly saved: CursorRecord
  /** Where the lane stands, whether the store has heard of it or not. */
  readonly stands: CursorRecord
  /** Everything there is has been looked at, and nothing is in flight. */
  readonly idle: boolean
  /** Waiting to try again after a failure. */
  readonly waiting: boolean
}

/**
 * The running program of one destination on one partition: take, filter, export, batch, send, save
 * the cursor.
 *
 * ```
 *                          ┌──── Batch ─────────► settle: send, split, hold, save ─┐
 *   take over ─► nextBatch ┼──── ProbeSuspect ──► probe: one suspect is sent ──────┼─► nextBatch
 *   the cursor             └──── NothingLeft ──────────────────────────────────────┘
 *
 *   at any place: Released, Fenced, Gone, Finished or a StoreError ends it (LaneEnd)
 * ```
 */
export interface Lane {
  readonly name: string
  /** The epoch of its cursor. */
  readonly epoch: number
  /** Never returns, but ends by one of {@link LaneEnd} or by interruption. */
  readonly run: Effect.Effect<never, LaneEnd>
  readonly status: () => LaneStatus
  /**
   * What to save while nothing is in flight; `null` when nothing has changed, or something is in
   * flight.
   */
  readonly idleSave: () => CursorSave | null
  /** The outcome of a save of {@link Lane.idleSave}, with what was saved. */
  readonly idleSaved: (save: CursorSave, outcome: "saved" | "fenced" | "failed") => void
  readonly wake: () => void
  /** What waits to be tried again is tried at once; does nothing when nothing waits. */
  readonly tryNow: Effect.Effect<void>
  /**
   * Somebody else is to run it: it starts no attempt any more, and ends as {@link Released} when
   * what is in flight is settled and saved.
   */
  readonly release: () => void
}

/**
 * Takes the cursor over, makes it if it is new, and returns the lane, not yet running. Fails with
 * `Finished` when a replay has come to its end meanwhile.
 *
 * Its parts, each in a file of its own in `lane/`: taking makes batches of what is read; settling
 * sends them in rounds, until what is left are dead letters and suspects. What the lane remembers
 * from one batch to the next is in the book, and changes by the transitions of
 * `lane/transitions.ts` only.
 */
export const make = Effect.fnUntraced(function* (options: LaneOptions) {
  const { destination, partition, replay, router } = options
  const name = cursorName({ destination: destination.id, partition, replay })
  const held = yield* replay === null
    ? takeOver(options, name, options.before)
    : takeOverReplay(options.cursors, name)
  const state = yield* LaneState.read(held.record, destination.id)

  const wake = yield* Latch.make(true)
  const wakeUp = (): void => {
    wake.openUnsafe()
  }
  const notice = makeNotice(name, options.tenure)
  const start = { ...held.record, within: state.within ?? null }
  const feed = new Feed(options.filter, destination.batch.maxEvents, start, wakeUp, state.until)
  const book = makeBook(options, held, state, feed)
  const reading = makeReading(options, book, feed, wake)
  const bury = makeBury(options, reading)

  const doubt = makeDoubt()
  const fitting = makeFitting(destination, book)
  const probes = makeProbes(destination, book)
  const round = makeRound(options, book, notice, () => {
    doubt.passed()
    probes.forget()
  })

  const suspects = makeSuspects(options, { book, reading, bury, round, probes })
  const taking = makeTaking(
    { ...options, name },
    { book, feed, reading, bury, probes, fitting, notice, wake },
  )
  const givingUp = makeGivingUp(destination.retry, book)
  const settle = makeSettle(options, {
    ...{ book, feed, reading, bury, round, doubt, fitting, givingUp, suspects, notice },
  })

  const spans = yield* Spans.make
  const settled: typeof settle = (open) =>
    spans === null
      ? settle(open)
      : spans.begun(settle(open), {
          name: spanNames.batch,
          kind: "internal",
          attributes: {
            destination: destination.id,
            partition,
            events: open.taken.length,
            replay: replay !== null,
          },
        })

  const run: Effect.Effect<never, LaneEnd> = Effect.gen(function* () {
    for (;;) {
      const next = yield* taking.nextBatch
      switch (next._tag) {
        case "Batch":
          yield* settled(next.open)
          taking.takeBack(next.open)
          break
        case "ProbeSuspect":
          yield* suspects.probe
          break
        case "NothingLeft":
          break
      }
    }
  }).pipe(Effect.ensuring(Effect.sync(() => router.detach(feed))))

  const lane: Lane = {
    name,
    epoch: held.epoch,
    run,
    wake: wakeUp,
    tryNow: Effect.suspend(() => {
      if (round.isWaiting()) return round.hurry
      probes.hurry()
      wakeUp()
      return Effect.void
    }),
    release: () => {
      notice.give()
      wakeUp()
    },
    status: () => ({
      state: book.state,
      place: feed.ahead.position,
      saved: book.saved,
      stands: book.stands,
      idle: taking.isIdle(),
      waiting: round.isWaiting(),
    }),
    idleSave: () => (taking.isIdle() ? book.idleSave() : null),
    idleSaved: book.idleSaved,
  }
  return lane
})
