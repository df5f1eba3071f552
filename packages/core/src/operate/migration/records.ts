import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Attempts from "../../ports/Attempts.ts"
import * as Counters from "../../ports/Counters.ts"
import type { DeadLetters } from "../../ports/DeadLetters.ts"

/** From one store to the other. */
interface Pair<P> {
  readonly source: P
  readonly target: P
}

/** An event with each of them may be large. */
const lettersPerPage = 100

/**
 * In the order they died: those of the last page first, since pages begin with the newest. Whatever
 * an earlier run has put is put again, so that the order is right.
 *
 * @returns how many
 */
export const copyDeadLetters = Effect.fnUntraced(function* ({
  source,
  target,
}: Pair<DeadLetters["Service"]>) {
  const pages: Array<string | undefined> = [undefined]
  for (;;) {
    const { next } = yield* source.list(query(pages.at(-1)))
    if (next === null) break
    pages.push(next)
  }
  let count = 0
  for (const after of pages.reverse()) {
    const { letters } = yield* source.list(query(after))
    if (letters.length > 0) yield* target.put([...letters].reverse())
    count += letters.length
  }
  return count
})

const query = (after: string | undefined) => ({
  limit: lettersPerPage,
  ...(after === undefined ? {} : { after }),
})

const attemptsPerAppend = 500

/** What a store keeps of one destination at most. */
const maxAttempts = Attempts.limits.maxFailures + Attempts.limits.maxSuccesses

/**
 * The oldest first; those that an earlier run has copied are the target's own, and are left out.
 */
export const copyAttempts = Effect.fnUntraced(function* (
  { source, target }: Pair<Attempts.Attempts["Service"]>,
  destinations: Iterable<string>,
) {
  let count = 0
  for (const destination of destinations) {
    const attempts = [...(yield* source.list({ destination, limit: maxAttempts }))].reverse()
    const there = (yield* target.list({ destination, limit: maxAttempts })).length
    for (let from = there; from < attempts.length; from += attemptsPerAppend) {
      yield* target.append(attempts.slice(from, from + attemptsPerAppend))
    }
    count += attempts.length
  }
  return count
})

const hour = 60 * 60 * 1000

/** The common name last: until then there is room for all others. */
const inOrder = (counts: ReadonlyArray<Counters.HourlyCount>): ReadonlyArray<Counters.HourlyCount> =>
  [...counts].sort(
    (a, b) => Number(a.eventName === Counters.otherNames) - Number(b.eventName === Counters.otherNames),
  )

/** Only what the target lacks: the target adds up, and an earlier run may have been here. */
export const copyCounters = Effect.fnUntraced(function* ({
  source,
  target,
}: Pair<Counters.Counters["Service"]>) {
  const now = yield* Clock.currentTimeMillis
  const first = Math.floor((now - Counters.limits.maxAge) / hour) * hour
  let count = 0
  for (let from = first; from <= now + hour; from += hour) {
    const counts = yield* source.list(from, from + hour)
    if (counts.length === 0) continue
    const there = new Map(
      (yield* target.list(from, from + hour)).map((counted) => [counted.eventName, counted.count]),
    )
    const missing = counts.flatMap((counted) => {
      const lacking = counted.count - (there.get(counted.eventName) ?? 0)
      return lacking > 0 ? [{ ...counted, count: lacking }] : []
    })
    if (missing.length > 0) yield* target.add(inOrder(missing))
    count += counts.length
  }
  return count
})
