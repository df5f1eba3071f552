import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { monotonicMillis, monotonicMillisOf } from "../../base/monotonic.ts"
import { quietSleep } from "../../base/quietSleep.ts"
import { type Sum, type Tally, tally, untold } from "../../base/tally.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Verdict } from "../Delivery.ts"
import * as Alert from "./Alert.ts"
import * as Alarm from "./alarm.ts"
import type { Alerting } from "./alerting.ts"
import * as Condition from "./Condition.ts"
import * as Lines from "./lines.ts"
import * as Telling from "./telling.ts"

/** ms. A store that hangs keeps nobody from hearing that a destination fails. */
const countWithin = 2_000

/** What one destination's attempts, and what they lead to, are told to. */
export interface Health {
  readonly attempted: (verdict: Verdict) => Effect.Effect<void>
  /** Events have become dead letters, this many. */
  readonly died: (letters: number, cause: string) => Effect.Effect<void>
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
  /** Whether an alert has said that the destination fails, and none yet that it is well again. */
  readonly isFailing: (destination: string) => boolean
  /** An alert is due, whoever has found out. */
  readonly found: (finding: Alert.Finding) => Effect.Effect<void>
}

interface Subject {
  condition: Condition.Condition
  told: Telling.Told
  alarm: Alarm.Alarm
  letters: { readonly total: number; readonly cause: string; readonly tally: Tally }
}

/** What is to be told: a line of the log, or an alert. */
type Announcement =
  | { readonly _tag: "Line"; readonly destination: string; readonly news: Telling.News }
  | { readonly _tag: "Alert"; readonly finding: Alert.Finding; readonly at: number }

const momentOf = (clock: Clock.Clock): Condition.Moment => ({
  wall: clock.currentTimeMillisUnsafe(),
  monotonic: monotonicMillisOf(clock),
})

/** The way in which an attempt has found its destination down; `null` when it has not. */
const wayOf = ({ outcome }: Verdict): Condition.Failing | null =>
  outcome === "not-now" || outcome === "misconfigured" ? outcome : null

const alarmFinding = (destination: string, news: Alarm.AlarmNews): Alert.Finding =>
  news._tag === "Raised"
    ? { type: "failing", destination, since: news.failure.since.wall, cause: news.failure.cause }
    : { type: "recovered", destination, since: news.past.since.wall, cause: "failing" }

const lettersFinding = (destination: string, { count }: Sum, cause: string): Alert.Finding => ({
  type: "dead-letters",
  destination,
  since: null,
  cause,
  events: count,
})

const isDown = ({ condition }: Subject): boolean => (condition.failure ?? condition.inherited) !== null

const dueAt = ({ told, condition, alarm, letters }: Subject): number =>
  Math.min(
    Telling.dueAt(told, condition),
    Alarm.dueAt(alarm, condition),
    letters.tally.due ?? Number.POSITIVE_INFINITY,
  )

/**
 * @param waiting how many events wait, by destination
 */
export const make = Effect.fnUntraced(function* (
  waiting: Effect.Effect<ReadonlyMap<string, number>, StoreError>,
  alerting: Alerting,
): Effect.fn.Return<Herald, never, Scope.Scope> {
  const subjects = new Map<string, Subject>()
  const woken = Latch.makeUnsafe(false)
  let news: Array<Announcement> = []

  const subjectOf = (destination: string): Subject => {
    const known = subjects.get(destination)
    if (known !== undefined) return known
    const made: Subject = {
      condition: Condition.well,
      told: Telling.nothing,
      alarm: Alarm.silent,
      letters: { total: 0, cause: "", tally: untold },
    }
    subjects.set(destination, made)
    return made
  }

  const tell = (one: Announcement): void => {
    news.push(one)
    woken.openUnsafe()
  }

  const review = (
    destination: string,
    subject: Subject,
    { wall, monotonic: now }: Condition.Moment,
  ): void => {
    const dueBefore = dueAt(subject)
    const [told, found] = Telling.tell(subject.told, subject.condition, now)
    subject.told = told
    for (const one of found) tell({ _tag: "Line", destination, news: one })
    const [alarm, sounded] = Alarm.sound(subject.alarm, subject.condition, told, now)
    subject.alarm = alarm
    if (sounded !== null) tell({ _tag: "Alert", finding: alarmFinding(destination, sounded), at: wall })
    const { total, cause } = subject.letters
    const [counted, sum] = tally(subject.letters.tally, total, now)
    subject.letters = { total, cause, tally: counted }
    if (sum !== null) tell({ _tag: "Alert", finding: lettersFinding(destination, sum, cause), at: wall })
    if (dueAt(subject) !== dueBefore) woken.openUnsafe()
  }

  const noCounts: ReadonlyMap<string, number> = new Map()
  const counts = waiting.pipe(
    Effect.timeoutOrElse({ duration: countWithin, orElse: () => Effect.succeed(noCounts) }),
    Effect.orElseSucceed(() => noCounts),
  )

  const announce = Effect.suspend(() => {
    const all = news
    news = []
    if (all.length === 0) return Effect.void
    return Effect.flatMap(counts, (waits) => {
      const waitingFor = (destination: string | null) =>
        destination === null ? null : (waits.get(destination) ?? null)
      return Effect.forEach(
        all,
        (one) =>
          one._tag === "Line"
            ? Lines.log(one.destination, one.news, waitingFor(one.destination))
            : alerting.raise(Alert.make(one.finding, one.at, waitingFor(one.finding.destination))),
        { discard: true },
      )
    })
  })

  const untilDue = Effect.gen(function* () {
    let due = Number.POSITIVE_INFINITY
    for (const subject of subjects.values()) due = Math.min(due, dueAt(subject))
    if (due === Number.POSITIVE_INFINITY) return yield* woken.await
    const now = yield* monotonicMillis
    if (due > now) yield* Effect.raceFirst(woken.await, quietSleep(due - now))
  })

  const once = Effect.gen(function* () {
    yield* untilDue
    woken.closeUnsafe()
    const now = momentOf(yield* Clock.Clock)
    for (const [destination, subject] of subjects) {
      if (dueAt(subject) <= now.monotonic) review(destination, subject, now)
    }
    yield* announce
  })
  // What is found out last is still said.
  yield* Effect.addFinalizer(() => announce)
  yield* Effect.forkScoped(Effect.forever(once))

  const changed = (destination: string, change: (subject: Subject, now: Condition.Moment) => void) =>
    Effect.map(Clock.Clock, (clock) => {
      const now = momentOf(clock)
      const subject = subjectOf(destination)
      change(subject, now)
      review(destination, subject, now)
    })

  return {
    of: (destination) => ({
      attempted: (verdict) =>
        Effect.suspend(() => {
          const way = wayOf(verdict)
          if (way !== null) {
            return changed(destination, (subject, now) => {
              subject.condition = Condition.failed(subject.condition, way, verdict, now)
            })
          }
          const known = subjects.get(destination)
          if (verdict.outcome !== "delivered" || known === undefined || !isDown(known)) return Effect.void
          return changed(destination, (subject, now) => {
            subject.condition = Condition.delivered(subject.condition, now)
          })
        }),
      died: (letters, cause) =>
        changed(destination, (subject) => {
          subject.letters = { ...subject.letters, total: subject.letters.total + letters, cause }
        }),
    }),
    takenOver: (destination, since, failures) =>
      changed(destination, (subject, now) => {
        subject.condition = Condition.takenOver(subject.condition, since, failures, now)
        subject.told = Telling.toldBefore(subject.told, now.monotonic)
        if (!subject.alarm.isRaised) subject.alarm = Alarm.inherited(subject.condition, now.monotonic)
      }),
    left: (destination) => {
      subjects.delete(destination)
    },
    isFailing: (destination) => subjects.get(destination)?.alarm.isRaised === true,
    found: (finding) => Effect.map(Clock.currentTimeMillis, (at) => tell({ _tag: "Alert", finding, at })),
  }
})
