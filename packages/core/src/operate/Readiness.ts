import * as Effect from "effect/Effect"
import type { Halt } from "../deliver/Dispatcher.ts"
import { conditionOf, type StoreError } from "../ports/StoreError.ts"

/** Why a process should get no requests now. */
export interface NotReady {
  /** In a few words that anybody may see, such as "the store is full". */
  readonly problem: string
  /** For operators: fit for a log, not for strangers. */
  readonly detail: string
}

/** `null`: it takes events, and delivers what it has to deliver. */
export type Readiness = NotReady | null

export const ofStore = ({ reason, message }: StoreError): NotReady => ({
  problem: `the store is ${conditionOf(reason)}`,
  detail: message,
})

export const stopping: NotReady = { problem: "shutting down", detail: "it is being closed" }

/** Probes often wait for no more than two seconds. */
export const answerWithin = 1_500

export const noAnswer: NotReady = {
  problem: "the store is not reachable",
  detail: `no answer within ${answerWithin} ms`,
}

const undelivered = (destinations: ReadonlyArray<string>): NotReady => ({
  problem: `nobody delivers to ${destinations.join(", ")}`,
  detail: "this process should, and has lost them: another one has the store, or its lease has ended",
})

const haltedBy = ({ error, detail }: Halt): NotReady =>
  error === null
    ? { problem: "what is stored does not go out", detail }
    : { problem: `${ofStore(error).problem}, and what is stored does not go out`, detail }

/** How many destinations a reply names. */
const maxNamed = 10

export interface Signs {
  /** Succeeds when an append would. */
  readonly takesEvents: Effect.Effect<void, StoreError>
  /** The destinations that this process should deliver to and does not. */
  readonly undelivered: Effect.Effect<ReadonlyArray<string>, StoreError>
  /** Why what this process has to deliver cannot go on. */
  readonly halted: Effect.Effect<Halt | null>
}

/** Tries what is vouched for: that an append would succeed, and that what is stored goes out. */
export const find = ({ takesEvents, undelivered: find, halted }: Signs): Effect.Effect<Readiness> =>
  Effect.gen(function* () {
    yield* takesEvents
    const destinations = yield* find
    if (destinations.length > 0) return undelivered(destinations.slice(0, maxNamed))
    const halt = yield* halted
    return halt === null ? null : haltedBy(halt)
  }).pipe(Effect.catch((error) => Effect.succeed(ofStore(error))))

/** Says once when a process is no longer ready, or for another reason, and when it is again. */
export const makeReport = (): ((found: Readiness) => Effect.Effect<void>) => {
  let last: string | null = null
  return (found) =>
    Effect.suspend(() => {
      const problem = found?.problem ?? null
      if (problem === last) return Effect.void
      last = problem
      return found === null
        ? Effect.logInfo("ready again")
        : Effect.annotateLogs(Effect.logWarning("not ready"), { problem, reason: found.detail })
    })
}
