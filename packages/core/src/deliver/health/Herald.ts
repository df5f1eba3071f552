import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { monotonicMillis, monotonicMillisOf } from "../../base/monotonic.ts"
import { quietSleep } from "../../base/quietSleep.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Verdict } from "../Delivery.ts"
import * as Condition from "./Condition.ts"
import * as Lines from "./lines.ts"
import * as Telling from "./telling.ts"

/** ms. A store that hangs keeps nobody from hearing that a destination fails. */
const countWithin = 2_000

/** What one destination's attempts are told to. */
export interface Health {
  readonly attempted: (verdict: Verdict) => Effect.Effect<void>
}

/**
 * Tells whoever runs this how its destinations are: when one begins to fail, once an hour while it
 * does, and when it is well again. It keeps nothing waiting, and is woken only by what is due.
 */
export interface Herald {
  readonly of: (destination: string) => Health
  /** A lane begins to run here, whose cursor says that it has failed so often since then. */
  readonly takenOver: (destination: string, since: number, failures: number) => Effect.Effect<void>
  /** No lane of the destination runs here any more: others tell how it is, or nobody need know. */
  readonly left: (destination: string) => void
}

interface Subject {
  condition: Condition.Condition
  told: Telling.Told
}

interface Announcement {
  readonly destination: string
  readonly news: Telling.News
}

const momentOf = (clock: Clock.Clock): Condition.Moment => ({
  wall: clock.currentTimeMillisUnsafe(),
  monotonic: monotonicMillisOf(clock),
})

/** The way in which an attempt has found its destination down; `null` when it has not. */
const wayOf = ({ outcome }: Verdict): Condition.Failing | null =>
  outcome === "not-now" || outcome === "misconfigured" ? outcome : null

/**
 * @param waiting how many events wait, by destination
 */
export const make = Effect.fnUntraced(function* (
  waiting: Effect.Effect<ReadonlyMap<string, number>, StoreError>,
): Effect.fn.Return<Herald, never, Scope.Scope> {
  const subjects = new Map<string, Subject>()
  const woken = Latch.makeUnsafe(false)
  let news: Array<Announcement> = []

  const subjectOf = (destination: string): Subject => {
    const known = subjects.get(destination)
    if (known !== undefined) return known
    const made: Subject = { condition: Condition.well, told: Telling.nothing }
    subjects.set(destination, made)
    return made
  }

  const review = (destination: string, subject: Subject, now: number): void => {
    const [told, found] = Telling.tell(subject.told, subject.condition, now)
    const isDueAnew = told.due !== subject.told.due
    subject.told = told
    for (const one of found) news.push({ destination, news: one })
    if (found.length > 0 || isDueAnew) woken.openUnsafe()
  }

  const counts = waiting.pipe(
    Effect.timeoutOrElse({ duration: countWithin, orElse: () => Effect.succeed(new Map<string, number>()) }),
    Effect.orElseSucceed(() => new Map<string, number>()),
  )

  const announce = Effect.suspend(() => {
    const all = news
    news = []
    if (all.length === 0) return Effect.void
    return Effect.flatMap(counts, (waits) =>
      Effect.forEach(all, (one) => Lines.log(one.destination, one.news, waits.get(one.destination) ?? null), {
        discard: true,
      }),
    )
  })

  const untilDue = Effect.gen(function* () {
    let due = Number.POSITIVE_INFINITY
    for (const { told, condition } of subjects.values()) due = Math.min(due, Telling.dueAt(told, condition))
    if (due === Number.POSITIVE_INFINITY) return yield* woken.await
    const now = yield* monotonicMillis
    if (due > now) yield* Effect.raceFirst(woken.await, quietSleep(due - now))
  })

  const once = Effect.gen(function* () {
    yield* untilDue
    woken.closeUnsafe()
    const now = yield* monotonicMillis
    for (const [destination, subject] of subjects) {
      if (Telling.dueAt(subject.told, subject.condition) <= now) review(destination, subject, now)
    }
    yield* announce
  })
  // What is found out last is still said.
  yield* Effect.addFinalizer(() => announce)
  yield* Effect.forkScoped(Effect.forever(once))

  return {
    of: (destination) => ({
      attempted: (verdict) =>
        Effect.flatMap(Clock.Clock, (clock) => {
          const way = wayOf(verdict)
          const known = subjects.get(destination)
          const isWell =
            known === undefined || (known.condition.failure ?? known.condition.inherited) === null
          if (way === null && (isWell || verdict.outcome !== "delivered")) return Effect.void
          const now = momentOf(clock)
          const subject = subjectOf(destination)
          subject.condition =
            way === null
              ? Condition.delivered(subject.condition, now)
              : Condition.failed(subject.condition, way, verdict, now)
          review(destination, subject, now.monotonic)
          return Effect.void
        }),
    }),
    takenOver: (destination, since, failures) =>
      Effect.map(Clock.Clock, (clock) => {
        const now = momentOf(clock)
        const subject = subjectOf(destination)
        subject.condition = Condition.takenOver(subject.condition, since, failures, now)
        subject.told = Telling.toldBefore(subject.told, now.monotonic)
      }),
    left: (destination) => {
      subjects.delete(destination)
    },
  }
})
