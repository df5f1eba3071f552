import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { logMessages } from "../base/Telemetry.ts"
import * as LaneState from "../deliver/LaneState.ts"
import { Steering } from "../deliver/Steering.ts"
import { Ingest } from "../intake/Ingest.ts"
import { cursorName, parseCursorName } from "../ports/CursorName.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { EntryIds } from "../ports/EntryIds.ts"
import * as Destination from "../select/Destination.ts"
import type { DeadLetterReplayRequest } from "./DeadLetterReplay.ts"
import type { Deliverer } from "./Deliverer.ts"
import { sendTest } from "./destinations/testing.ts"
import * as LetterJobs from "./jobs/letterJobs.ts"
import { Operator, type OperatorPorts } from "./Operator.ts"
import * as Operating from "./operating.ts"
import { type ReplayWatch, replayDeadLetters } from "./replayDeadLetters.ts"

/** Test deliveries under way at once: a person makes one after the other. */
const testsAtOnce = 4

/** Delivers as the dispatcher of this process does. */
const deliverer = Effect.gen(function* () {
  const { roster, lanes, acting, assign, herald } = yield* Steering
  const destinations = yield* Destinations
  const deadLetters = yield* DeadLetters
  const cursors = yield* Cursors
  const nextId = yield* EntryIds
  const testing = Semaphore.makeUnsafe(testsAtOnce)

  const stop = Effect.fnUntraced(function* (id: string) {
    for (const name of [...lanes.running.keys()]) {
      if (parseCursorName(name)?.destination === id) yield* lanes.stop(name)
    }
  })

  const release = (id: string) =>
    Effect.forEach(
      [...lanes.running.keys()].filter((name) => parseCursorName(name)?.destination === id),
      lanes.release,
      { concurrency: "unbounded", discard: true },
    )

  /**
   * Another process that waits for a destination begins its lane anew, and so tries at once, when
   * it finds within a beat that somebody has taken the cursor over.
   */
  const tryElsewhere = Effect.fnUntraced(function* (id: string) {
    for (const { name, record } of yield* cursors.list) {
      if (parseCursorName(name)?.destination !== id || lanes.running.has(name) || record === null) continue
      const state = LaneState.decode(record.state)
      if (state !== null && state.failures > 0) yield* cursors.acquire(name)
    }
  })

  /** Whether a destination gets nothing at present. */
  const isDisabled = ({ id, enabled }: Destination.Destination) =>
    Effect.map(destinations.get(id), (record) => !enabled || (record?.disabled ?? null) !== null)

  const replayLetters = Effect.fnUntraced(function* (request: DeadLetterReplayRequest, watch?: ReplayWatch) {
    const { destination, selection, layout, sender, replaying } = yield* roster.find(request.destination)
    const replay = replayDeadLetters(
      {
        destination,
        exportRule: selection.exportRule,
        layout,
        sender,
        deadLetters,
        name: `dead-letters-${nextId()}`,
        isDisabled: isDisabled(destination),
      },
      request,
      watch,
    )
    return yield* replaying.withPermits(1)(replay)
  })

  return {
    find: roster.find,
    isTaken: (id) =>
      roster.find(id).pipe(
        Effect.as(true),
        Effect.catchTag("UnknownDestination", () => Effect.succeed(false)),
      ),
    isConfigured: (id) => roster.isConfigured(id),
    configured: (id) => (roster.isConfigured(id) ? (roster.all.get(id)?.destination ?? null) : null),
    check: (destination) => Effect.scoped(Effect.asVoid(roster.openSink(destination))),
    decode: (options) => Destination.decode(options, roster.hashKey, roster.schemes),
    select: (options) => Result.map(Destination.decodeSelection(options, roster.hashKey), roster.compile),
    selectionOf: (id) => Effect.map(roster.find(id), ({ selection }) => selection),
    test: (destination) => {
      const { selection, layout } = roster.form(destination)
      const { exportRule } = selection
      return testing.withPermits(1)(
        sendTest({ destination, exportRule, layout, open: roster.openSink, nextId }),
      )
    },
    tryNow: Effect.fnUntraced(function* (id) {
      const { sender } = yield* roster.find(id)
      yield* sender.hurry
      for (const { known, lane } of lanes.running.values()) {
        if (known.destination.id === id) yield* lane.tryNow
      }
      yield* tryElsewhere(id)
    }),
    isProbing: (id) => roster.all.get(id)?.sender.circuit() === "half-open",
    acting,
    stop,
    release,
    park: (id, partition) => lanes.stop(cursorName({ destination: id, partition, replay: null })),
    say: (message, fields) => Effect.annotateLogs(Effect.logInfo(message), fields),
    disabled: Effect.fnUntraced(function* (id) {
      yield* Effect.logWarning(logMessages.destinationDisabled).pipe(Effect.annotateLogs({ destination: id }))
      const since = yield* Clock.currentTimeMillis
      yield* herald.found({ type: "disabled", destination: id, since, cause: "by hand" })
      yield* stop(id)
    }),
    follow: assign,
    letterJobs: yield* LetterJobs.make({
      deadLetters,
      nextId,
      replay: (request, watch) => replayLetters(request, watch),
    }),
    leaveLane: lanes.release,
    stateOf: (name) => lanes.running.get(name)?.lane.status().state ?? lanes.finished.get(name) ?? null,
    replayDeadLetters: (request) =>
      Effect.tap(replayLetters(request), ({ replayed, failed, stopped }) =>
        Effect.logInfo(
          stopped === null ? logMessages.lettersReplayDone : logMessages.lettersReplayStopped,
        ).pipe(
          Effect.annotateLogs({
            ...{ destination: request.destination, delivered: replayed, failed: failed.length },
          }),
        ),
      ),
  } satisfies Deliverer
})

/** An operator beside a dispatcher and an intake that run: what is changed takes effect at once. */
export const layer: Layer.Layer<Operator, never, Steering | Ingest | OperatorPorts> = Layer.effect(
  Operator,
  Effect.gen(function* () {
    const process = {
      steering: yield* Steering,
      ingest: yield* Ingest,
      startedAt: yield* Clock.currentTimeMillis,
    }
    return yield* Operating.make(yield* deliverer, process)
  }),
)
