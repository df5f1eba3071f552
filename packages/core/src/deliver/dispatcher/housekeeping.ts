import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Cursor, Cursors } from "../../ports/Cursors.ts"
import { defectSummary } from "../../ports/defectSummary.ts"
import { conditionOf } from "../../ports/StoreError.ts"
import type { StoreTrouble } from "../../ports/StoreTrouble.ts"
import type { AttemptRecords } from "./attemptQueue.ts"
import type { LaneSet } from "./laneSet.ts"
import type { Roster } from "./registry.ts"
import * as Retention from "./retention.ts"
import type { Changes } from "./signals.ts"

/**
 * Cursors of idle lanes, attempts and the trimming wait for each other for so long, to share their
 * writes.
 */
const sweepEvery = Duration.seconds(1)

/** After a sweep that failed, in ms. */
const nextAfterFailure = 60_000

interface Options extends Retention.RetentionPorts {
  readonly lanes: LaneSet
  readonly roster: Roster
  readonly attemptRecords: AttemptRecords
  readonly changes: Changes
  /** ms. */
  readonly keepFor: number
  readonly trouble: StoreTrouble
}

/** Cursors of lanes with nothing in flight, in one write. */
const saveIdleCursors = (cursors: Cursors["Service"], { running }: LaneSet) =>
  Effect.suspend(() => {
    const saves = [...running.values()].flatMap(({ lane }) => {
      const save = lane.idleSave()
      return save === null ? [] : [{ lane, save }]
    })
    if (saves.length === 0) return Effect.void
    return cursors.save(saves.map(({ save }) => save)).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          for (const [at, { lane, save }] of saves.entries()) {
            lane.idleSaved(save, exit._tag === "Success" ? exit.value[at]! : "failed")
          }
        }),
      ),
    )
  })

/** What is written together: idle cursors, attempts, the trimming. */
export interface Sweeping {
  /** @returns in how many ms the next is due though nothing changes; infinity for never */
  readonly once: Effect.Effect<number>
  /**
   * Nothing ticks while nothing has changed, save for the day when the oldest entry has been kept
   * long enough.
   */
  readonly forever: Effect.Effect<never>
}

export const make = (options: Options): Sweeping => {
  const { lanes, roster, attemptRecords, changes, keepFor } = options
  const retention = Retention.make(options, keepFor)

  const once = Effect.gen(function* () {
    changes.forget()
    yield* saveIdleCursors(options.cursors, lanes)
    yield* attemptRecords.save
    const liveState = ({ name, epoch }: Cursor) => {
      const lane = lanes.running.get(name)?.lane
      return lane?.epoch === epoch ? lane.status().state : undefined
    }
    return yield* retention.trim(roster.all, liveState)
  }).pipe(
    Effect.catchTag("StoreError", (error) => {
      options.trouble.note(error)
      return Effect.as(
        Effect.logWarning(`the store is ${conditionOf(error.reason)}`, error.message),
        nextAfterFailure,
      )
    }),
    Effect.catchDefect((defect) =>
      Effect.as(Effect.logError("a sweep failed", defectSummary(Cause.die(defect))), nextAfterFailure),
    ),
  )

  const forever = Effect.gen(function* () {
    let due = yield* once
    for (;;) {
      const { dirty, urgent } = changes
      yield* Number.isFinite(due) ? Effect.timeoutOption(dirty.await, due) : dirty.await
      yield* Effect.timeoutOption(urgent.await, sweepEvery)
      due = yield* once
    }
  })

  return { once, forever }
}
