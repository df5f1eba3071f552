/**
 * Replays that somebody has begun, and how far they have come. Those of ranges are cursors: they
 * outlive a process, and any process of the store tells of them and stops them. Those of dead
 * letters run in the process that was asked, and end with it.
 */
import * as Effect from "effect/Effect"
import { logMessages } from "../../base/Telemetry.ts"
import { parseCursorName } from "../../ports/CursorName.ts"
import { Cursors } from "../../ports/Cursors.ts"
import { DeadLetters, intake } from "../../ports/DeadLetters.ts"
import { EventLog } from "../../ports/EventLog.ts"
import type { Service } from "../Action.ts"
import type { Deliverer } from "../Deliverer.ts"
import * as Letters from "../letters/choosing.ts"
import { NotDelivering, NotReplayable, UnknownJob } from "../OperatorError.ts"
import type { Job, jobRows } from "../rows/jobs.ts"
import * as RangeJobs from "./rangeJobs.ts"

export const make = Effect.fnUntraced(function* (deliverer: Deliverer) {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const deadLetters = yield* DeadLetters
  const { letterJobs } = deliverer
  const ranges = RangeJobs.make({ log, cursors, stateOf: deliverer.stateOf })

  const list = Effect.gen(function* () {
    const ofRanges = yield* ranges.list
    const ofLetters = letterJobs === null ? [] : yield* letterJobs.list
    const jobs: ReadonlyArray<Job> = [...ofRanges, ...ofLetters]
    return jobs
  })

  /** What it has sent stays sent, and what is in flight is settled first. */
  const stopRange = Effect.fnUntraced(
    function* (name: string) {
      const names = yield* ranges.cursorsOf(name)
      if (names.length === 0) return yield* new UnknownJob({ name })
      yield* Effect.forEach(names, deliverer.leaveLane, { concurrency: "unbounded", discard: true })
      // Seen once more as it stands in the end.
      yield* ranges.list
      yield* Effect.forEach(names, cursors.remove, { discard: true })
      yield* ranges.stopped(name)
      yield* deliverer.say(logMessages.replayStopped, {
        destination: parseCursorName(names[0]!)?.destination,
        replay: name,
      })
      yield* deliverer.follow
    },
    (effect) => deliverer.acting.withPermits(1)(Effect.uninterruptible(effect)),
  )

  const actions: Service<typeof jobRows> = {
    jobs: () => Effect.map(list, (jobs) => ({ jobs })),

    stopJob: Effect.fnUntraced(function* ({ name }) {
      if (letterJobs !== null && (yield* letterJobs.stop(name))) return {}
      yield* stopRange(name)
      return {}
    }),

    beginLetterReplay: Effect.fnUntraced(function* (choice) {
      const { destination } = choice
      if (destination === intake) return yield* new NotReplayable({ destination })
      if (letterJobs === null) return yield* new NotDelivering()
      yield* deliverer.find(destination)
      return yield* letterJobs.begin(choice)
    }),

    causes: ({ destination }) => Letters.causesOf(deadLetters, destination),

    purgeLetters: (choice) => Effect.map(Letters.purge(deadLetters, choice), (purged) => ({ purged })),
  }

  return {
    actions,
    /** A range's replay has been begun: it is told of, however soon it ends. */
    noticed: Effect.asVoid(ranges.list),
    /** For those who look on: nothing, where the store does not answer. */
    listed: Effect.catch(list, () => Effect.succeed<ReadonlyArray<Job>>([])),
  }
})
