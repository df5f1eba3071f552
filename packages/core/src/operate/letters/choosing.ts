import * as Effect from "effect/Effect"
import type { DeadLetter, DeadLetterPage, DeadLetters } from "../../ports/DeadLetters.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Cause, LetterChoice } from "../rows/jobs.ts"
import { patternOf } from "./pattern.ts"

/** Letters that are looked through at most: as many as a store keeps of all destinations. */
const maxLooked = 100_000

/** Letters in memory at once. */
const page = 1000

/** Messages whose patterns are remembered: most letters of a cause say the very same. */
const maxRemembered = 1000

/** Patterns of messages, each found once while messages repeat. */
const makePatterns = (): ((message: string) => string) => {
  const known = new Map<string, string>()
  return (message) => {
    const found = known.get(message) ?? patternOf(message)
    if (known.size >= maxRemembered) known.clear()
    known.set(message, found)
    return found
  }
}

/** Whether a letter of the destination is among those that are chosen. */
export const matcherOf = ({
  eventIds,
  cause,
}: Pick<LetterChoice, "eventIds" | "cause">): ((letter: DeadLetter) => boolean) => {
  const ids = eventIds === undefined ? null : new Set(eventIds)
  const pattern = makePatterns()
  return ({ eventId, reason, status, message }) =>
    (ids === null || ids.has(eventId)) &&
    (cause === undefined ||
      (cause.reason === reason && cause.status === status && cause.pattern === pattern(message)))
}

/**
 * Goes through dead letters, the last put first, page by page; what else this process does has its
 * turn in between. Returns how many were looked at, and whether that is all there are.
 */
export const goThrough = Effect.fnUntraced(function* (
  deadLetters: DeadLetters["Service"],
  destination: string | undefined,
  look: (letter: DeadLetter) => void,
): Effect.fn.Return<{ readonly looked: number; readonly isAll: boolean }, StoreError> {
  let looked = 0
  let after: string | null = null
  for (;;) {
    const { letters, next }: DeadLetterPage = yield* deadLetters.list({
      ...(destination === undefined ? {} : { destination }),
      limit: page,
      ...(after === null ? {} : { after }),
    })
    for (const letter of letters) look(letter)
    looked += letters.length
    if (next === null) return { looked, isAll: true }
    if (looked >= maxLooked) return { looked, isAll: false }
    after = next
    yield* Effect.yieldNow
  }
})

/** Causes that are told apart; what belongs to more is not counted. */
const maxCauses = 1000

/** Names of events that are shown of each. */
const maxNames = 3

interface Counted extends Omit<Cause, "names"> {
  readonly names: Set<string>
}

/** Counts dead letters by cause; the cause of the newest letter comes first. */
export const causesOf = Effect.fnUntraced(function* (
  deadLetters: DeadLetters["Service"],
  destination: string | undefined,
) {
  const causes = new Map<string, Counted>()
  const pattern = makePatterns()
  let isComplete = true
  const { looked, isAll } = yield* goThrough(deadLetters, destination, (letter) => {
    const { reason, status, deadAt, eventName, replayedAt } = letter
    const found = { destination: letter.destination, reason, pattern: pattern(letter.message), status }
    const key = JSON.stringify(Object.values(found))
    const known = causes.get(key)
    if (known === undefined && causes.size >= maxCauses) {
      isComplete = false
      return
    }
    const names = known?.names ?? new Set<string>()
    if (names.size < maxNames) names.add(eventName)
    causes.set(key, {
      ...found,
      count: (known?.count ?? 0) + 1,
      replayed: (known?.replayed ?? 0) + (replayedAt === null ? 0 : 1),
      first: Math.min(known?.first ?? deadAt, deadAt),
      last: Math.max(known?.last ?? deadAt, deadAt),
      names,
    })
  })
  return {
    causes: [...causes.values()]
      .sort((one, other) => other.last - one.last)
      .map(({ names, ...cause }): Cause => ({ ...cause, names: [...names] })),
    looked,
    isAll: isAll && isComplete,
  }
})

/** Letters that are removed in one step. */
const purgeAtOnce = 500

/**
 * Removes those that are chosen now, and none that comes meanwhile. Returns how many there were.
 */
export const purge = Effect.fnUntraced(function* (
  deadLetters: DeadLetters["Service"],
  choice: LetterChoice,
): Effect.fn.Return<number, StoreError> {
  const { destination, eventIds, cause } = choice
  if (cause === undefined) {
    return yield* deadLetters.purge({ destination, ...(eventIds === undefined ? {} : { eventIds }) })
  }
  const matches = matcherOf(choice)
  const chosen: Array<string> = []
  yield* goThrough(deadLetters, destination, (letter) => {
    if (matches(letter)) chosen.push(letter.eventId)
  })
  let purged = 0
  for (let from = 0; from < chosen.length; from += purgeAtOnce) {
    purged += yield* deadLetters.purge({ destination, eventIds: chosen.slice(from, from + purgeAtOnce) })
  }
  return purged
})
