import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { quietSleep } from "../../base/quietSleep.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Finding } from "./Alert.ts"

/** ms from one look to the next at the least. */
const restAfterLook = 60_000

/** Destinations whose oldest event has waited too long, and since when that event has waited. */
type Late = ReadonlyMap<string, number>

export interface Look {
  readonly late: Late
  readonly findings: ReadonlyArray<Finding>
  /** When another destination will be late though nothing happens, in ms; infinity for never. */
  readonly due: number
}

/**
 * What there is to say of who is late.
 *
 * @param before who was, when somebody last looked
 * @param oldest when the oldest event came that waits, by destination, in ms
 * @param allowed how long it may have waited, in ms
 * @param isTold whether it is this process's to tell how a destination is
 * @param isFailing whether an alert says that a destination fails, and so that its events wait
 */
export const look = (
  before: Late,
  oldest: Late,
  allowed: number,
  now: number,
  isTold: (destination: string) => boolean,
  isFailing: (destination: string) => boolean,
): Look => {
  const late = new Map<string, number>()
  const findings: Array<Finding> = []
  let due = Number.POSITIVE_INFINITY
  for (const [destination, since] of oldest) {
    if (now - since < allowed) {
      due = Math.min(due, since + allowed)
      continue
    }
    if (!before.has(destination) && isFailing(destination)) continue
    late.set(destination, before.get(destination) ?? since)
    if (!before.has(destination)) findings.push({ type: "lag", destination, since, cause: null })
  }
  for (const [destination, since] of before) {
    if (!late.has(destination) && isTold(destination))
      findings.push({ type: "recovered", destination, since, cause: "lag" })
  }
  return { late, findings, due }
}

interface Options {
  /** Opens with whatever happens; whoever waits for it closes it. */
  readonly stirred: Latch.Latch
  /** When the oldest event came that waits, by destination. */
  readonly oldest: Effect.Effect<Late, StoreError>
  /** ms. */
  readonly allowed: number
  readonly isTold: (destination: string) => boolean
  readonly isFailing: (destination: string) => boolean
  readonly announce: (finding: Finding) => Effect.Effect<void>
}

/** Looks once a minute while something happens, and when somebody will be late; else never. */
export const make = Effect.fnUntraced(function* ({
  stirred,
  oldest,
  allowed,
  isTold,
  isFailing,
  announce,
}: Options): Effect.fn.Return<void, never, Scope.Scope> {
  let late: Late = new Map()
  let due = Number.POSITIVE_INFINITY
  const once = Effect.gen(function* () {
    const left = due - (yield* Clock.currentTimeMillis)
    yield* left === Number.POSITIVE_INFINITY
      ? stirred.await
      : Effect.raceFirst(stirred.await, quietSleep(Math.max(left, 0)))
    yield* quietSleep(Math.min(Math.max(due - (yield* Clock.currentTimeMillis), 0), restAfterLook))
    stirred.closeUnsafe()
    const now = yield* Clock.currentTimeMillis
    const found = look(late, yield* oldest, allowed, now, isTold, isFailing)
    late = found.late
    due = found.due
    yield* Effect.forEach(found.findings, announce, { discard: true })
  }).pipe(
    Effect.catchTag("StoreError", () => {
      due = Number.POSITIVE_INFINITY
      return quietSleep(restAfterLook)
    }),
  )
  yield* Effect.forkScoped(Effect.forever(once))
})
