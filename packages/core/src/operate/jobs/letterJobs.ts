import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { logMessages } from "../../base/Telemetry.ts"
import type { UnknownDestination } from "../../deliver/UnknownDestination.ts"
import type { DeadLetters } from "../../ports/DeadLetters.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { DeadLetterReplay, DeadLetterReplayRequest } from "../DeadLetterReplay.ts"
import { goThrough, matcherOf } from "../letters/choosing.ts"
import { TooManyJobs } from "../OperatorError.ts"
import type { ReplayWatch } from "../replayDeadLetters.ts"
import type { Job, LetterChoice } from "../rows/jobs.ts"

/** Under way in one process at once: each holds a page of letters. */
const maxRunning = 16

/** ms. How long one that has ended is told: as long as somebody may look for what became of it. */
const toldFor = 60 * 60 * 1000

/** Those that have ended and are told; the oldest go first. */
const maxTold = 100

/** Replays of dead letters in the background of this process. */
export interface LetterJobs {
  readonly list: Effect.Effect<ReadonlyArray<Job>>
  readonly begin: (
    choice: LetterChoice,
  ) => Effect.Effect<{ readonly job: string; readonly total: number }, TooManyJobs | StoreError>
  /** Whether there is one of this name that runs. */
  readonly stop: (name: string) => Effect.Effect<boolean>
}

interface Options {
  readonly deadLetters: DeadLetters["Service"]
  readonly nextId: () => string
  readonly replay: (
    request: DeadLetterReplayRequest,
    watch: ReplayWatch,
  ) => Effect.Effect<DeadLetterReplay, UnknownDestination | StoreError>
}

interface Kept {
  readonly stop: Latch.Latch
  job: Job
}

/** Which of those that have ended are told no longer. */
export const outdated = <A extends { readonly endedAt: number | null }>(
  all: Iterable<A>,
  now: number,
): ReadonlyArray<A> => {
  const ended = [...all].filter(({ endedAt }) => endedAt !== null)
  const surplus = ended.length - maxTold
  return ended.filter(({ endedAt }, index) => index < surplus || (endedAt ?? now) < now - toldFor)
}

/** They end with the scope. */
export const make = Effect.fnUntraced(function* ({
  deadLetters,
  nextId,
  replay,
}: Options): Effect.fn.Return<LetterJobs, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const kept = new Map<string, Kept>()
  const jobs = () => [...kept.values()].map(({ job }) => job)

  const run = Effect.fnUntraced(function* (
    { destination, eventIds }: LetterChoice,
    one: Kept,
    isMeant: ReplayWatch["isMeant"],
  ) {
    const count = (changes: (job: Job) => Partial<Job>): void => {
      one.job = { ...one.job, ...changes(one.job) }
    }
    const watch: ReplayWatch = {
      isMeant,
      stop: one.stop,
      onReplayed: (more) =>
        count(({ looked, delivered }) => ({ looked: looked + more, delivered: delivered + more })),
      onFailed: () => count(({ looked, failed }) => ({ looked: looked + 1, failed: failed + 1 })),
    }
    const request = { destination, ...(eventIds === undefined ? {} : { eventIds }) }
    const done = yield* Effect.result(replay(request, watch))
    const endedAt = yield* Clock.currentTimeMillis
    const stopped = Result.isSuccess(done) ? done.success.stopped : done.failure.message
    count(() => ({ endedAt, stopped }))
    const { name, delivered, failed } = one.job
    const message = stopped === null ? logMessages.lettersReplayDone : logMessages.lettersReplayStopped
    yield* Effect.logInfo(message).pipe(Effect.annotateLogs({ destination, replay: name, delivered, failed }))
  })

  return {
    list: Effect.map(Clock.currentTimeMillis, (now) => {
      for (const { name } of outdated(jobs(), now)) kept.delete(name)
      return jobs()
    }),

    begin: Effect.fnUntraced(function* (choice) {
      const running = jobs().filter(({ endedAt }) => endedAt === null)
      if (running.length >= maxRunning) return yield* new TooManyJobs({ most: maxRunning })
      const { destination, eventIds, cause } = choice
      const name = `letters-${nextId().slice(0, 12)}`
      const startedAt = yield* Clock.currentTimeMillis
      const none = { looked: 0, delivered: 0, filtered: 0, failed: 0, endedAt: null, stopped: null }
      const one: Kept = {
        stop: Latch.makeUnsafe(false),
        job: { name, kind: "letters", destination, total: null, startedAt, ...none },
      }
      // Noted at once, so that others that begin meanwhile count it.
      kept.set(name, one)
      const matches = matcherOf(choice)
      let total = 0
      if (eventIds !== undefined && cause === undefined) {
        // What is named and is not there counts as failed.
        total = new Set(eventIds).size
      } else {
        const counting = goThrough(deadLetters, destination, (letter) => {
          if (matches(letter) && (eventIds !== undefined || letter.replayedAt === null)) total += 1
        })
        yield* Effect.onError(counting, () => Effect.sync(() => kept.delete(name)))
      }
      one.job = { ...one.job, total }
      yield* Effect.logInfo(logMessages.lettersReplayBegun).pipe(
        Effect.annotateLogs({ destination, replay: name, events: total }),
      )
      yield* Effect.forkIn(run(choice, one, matches), scope)
      return { job: name, total }
    }),

    stop: Effect.fnUntraced(function* (name) {
      const one = kept.get(name)
      if (one === undefined || one.job.endedAt !== null) return false
      yield* one.stop.open
      return true
    }),
  }
})
