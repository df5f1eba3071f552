import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Counters from "../ports/Counters.ts"

/**
 * Fresh enough for a page that shows the last day, and one small write where a busy hour has a
 * million.
 */
const flushInterval = "10 seconds"

/** A name is the sender's to choose, and counting must not keep a kilobyte of it. */
const maxNameLength = 256

/**
 * Names that wait to be written, of all hours: two hours of as many as a store takes. They have 10
 * MiB at most.
 */
const maxNames = 2 * Counters.limits.maxNamesPerHour

/**
 * Names that are written at once. Ten thousand in one piece keep a store from its appends for more
 * than a second, and a stranger can make up as many.
 */
const namesAtOnce = 200

const hourLength = 60 * 60 * 1000

/** While the store is away counts pile up: a day of them, then the oldest go. */
const maxHours = 24

/**
 * Counts event names in memory and adds them to the {@link Counters.Counters} now and then; losing
 * some loses no event.
 */
export interface NameCounts {
  /** @param at ms since the epoch */
  readonly add: (names: ReadonlyArray<string>, at: number) => Effect.Effect<void>
  /** Writes what is pending now, for somebody who asks; it stays pending while that fails. */
  readonly flush: Effect.Effect<void>
}

/** Nothing runs while nothing is pending; what is pending when the scope closes is written then. */
export const makeNameCounts: Effect.Effect<NameCounts, never, Counters.Counters | Scope.Scope> = Effect.gen(
  function* () {
    const counters = yield* Counters.Counters
    const scope = yield* Effect.scope
    let pending = new Map<number, Map<string, number>>()
    let pendingNames = 0
    let flusherRuns = false

    const namesOf = (hour: number): Map<string, number> => {
      const known = pending.get(hour)
      if (known !== undefined) return known
      const names = new Map<string, number>()
      pending.set(hour, names)
      if (pending.size > maxHours) {
        const oldest = Math.min(...pending.keys())
        pendingNames -= pending.get(oldest)!.size
        pending.delete(oldest)
      }
      return names
    }

    const isCounted = (names: Map<string, number>, name: string): boolean =>
      name.length <= maxNameLength && names.size < Counters.limits.maxNamesPerHour && pendingNames < maxNames

    const count = (names: Map<string, number>, name: string, times: number): void => {
      const known = names.get(name)
      if (known !== undefined) {
        names.set(name, known + times)
        return
      }
      const counted = isCounted(names, name) ? name : Counters.otherNames
      const before = names.get(counted)
      if (before === undefined) pendingNames += 1
      names.set(counted, (before ?? 0) + times)
    }

    // Uninterrupted: a write that is cut off may have happened, and adding it again would count
    // twice.
    const flush = Effect.uninterruptible(
      Effect.suspend(() => {
        const taken = pending
        pending = new Map()
        pendingNames = 0
        const counts = Array.from(taken, ([hour, names]) =>
          Array.from(names, ([eventName, times]) => ({ hour, eventName, count: times })),
        ).flat()
        let written = 0
        const writePiece = Effect.suspend(() =>
          Effect.map(counters.add(counts.slice(written, written + namesAtOnce)), () => {
            written += namesAtOnce
          }),
        )
        return Effect.catch(
          Effect.whileLoop({
            while: () => written < counts.length,
            body: () => writePiece,
            step: () => {},
          }),
          () =>
            Effect.sync(() => {
              for (const { hour, eventName, count: times } of counts.slice(written)) {
                count(namesOf(hour), eventName, times)
              }
            }),
        )
      }),
    )

    const flusher = Effect.gen(function* () {
      while (pending.size > 0) {
        yield* Effect.sleep(flushInterval)
        yield* flush
      }
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          flusherRuns = false
        }),
      ),
    )

    yield* Effect.addFinalizer(() => flush)

    return {
      flush,
      add: (eventNames, at) =>
        Effect.suspend(() => {
          if (eventNames.length === 0) return Effect.void
          const names = namesOf(Math.floor(at / hourLength) * hourLength)
          for (const name of eventNames) count(names, name, 1)
          if (flusherRuns) return Effect.void
          flusherRuns = true
          return Effect.asVoid(Effect.forkIn(flusher, scope))
        }),
    }
  },
)
