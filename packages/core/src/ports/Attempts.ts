import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Count, Millis, Time } from "../base/scalars.ts"
import { guard } from "./memory/memoryPort.ts"
import { Position } from "./Position.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * What an attempt means for its events: whose fault a failure is decides what happens.
 *
 * - `delivered`: 2xx.
 * - `not-now`: 408, 425, 429, 5xx, no complete reply. Tried again.
 * - `misconfigured`: 401, 403, 404, 405, 3xx, any other 4xx, an address or a certificate that is
 *   refused. Tried again; shown as such.
 * - `refused`: 400, 422. The batch is split.
 * - `too-large`: 413. The batch is halved.
 * - `gone`: 410. The destination is disabled.
 */
export const Outcome = Schema.Literals([
  "delivered",
  "not-now",
  "misconfigured",
  "refused",
  "too-large",
  "gone",
]).annotate({ identifier: "Outcome" })

export type Outcome = typeof Outcome.Type

/** The `outcome` of the attempt that succeeded; with any other it failed. */
export const delivered = "delivered" satisfies Outcome

/**
 * From which event to which a request reaches, each by the position of its entry and its index
 * there. What the filter leaves out lies between them, and where several requests are under way at
 * once, or a batch is split, also what others carry.
 */
export const AttemptRange = Schema.Struct({
  partition: Count,
  first: Schema.Tuple([Position, Count]),
  last: Schema.Tuple([Position, Count]),
}).annotate({ identifier: "AttemptRange" })

export type AttemptRange = typeof AttemptRange.Type

/** One try to send one batch. */
export const Attempt = Schema.Struct({
  destination: Schema.String,
  /** The same for every attempt of a batch. */
  webhookId: Schema.String,
  startedAt: Time,
  duration: Millis,
  events: Count,
  bytes: Count,
  outcome: Outcome,
  /** The reply's; `null` when there was none. */
  status: Schema.NullOr(Schema.Int),
  /** Why it failed, bounded, without secrets. */
  error: Schema.NullOr(Schema.String),
  /** How long the lane waits before the next one, and why ("Retry-After", "back-off"). */
  wait: Schema.NullOr(Millis),
  waitReason: Schema.NullOr(Schema.String),
  /** Not there for dead letters, nor when an earlier version has written it. */
  range: Schema.optionalKey(AttemptRange),
}).annotate({ identifier: "Attempt", description: "One try to send one batch." })

export type Attempt = typeof Attempt.Type

export const AttemptQuery = Schema.Struct({
  destination: Schema.optionalKey(Schema.String),
  failuresOnly: Schema.optionalKey(Schema.Boolean),
  /** Only those that began before (ms since the epoch). */
  before: Schema.optionalKey(Time),
  webhookId: Schema.optionalKey(Schema.String),
  outcome: Schema.optionalKey(Outcome),
  /** 100 by default. */
  limit: Schema.optionalKey(Count),
})

export type AttemptQuery = typeof AttemptQuery.Type

/** For stores that pick out what is asked for themselves: all but the limit. */
export const matcher =
  ({
    destination,
    failuresOnly = false,
    before,
    webhookId,
    outcome,
  }: AttemptQuery): ((attempt: Attempt) => boolean) =>
  (attempt) =>
    (destination === undefined || attempt.destination === destination) &&
    (!failuresOnly || attempt.outcome !== delivered) &&
    (before === undefined || attempt.startedAt < before) &&
    (webhookId === undefined || attempt.webhookId === webhookId) &&
    (outcome === undefined || attempt.outcome === outcome)

/** What a store keeps at most of each destination; the oldest go first. */
export const limits = {
  /** Failures are what people look for: a week of one every minute. */
  maxFailures: 10_000,
  /** How long a failure is kept; an older one goes when a newer one arrives. */
  maxAge: 7 * 24 * 60 * 60 * 1000,
  /** Successes only show that it works. */
  maxSuccesses: 100,
}

/**
 * The record of what was sent, when, and what came back. Best effort: losing one loses no event.
 */
export class Attempts extends Context.Service<
  Attempts,
  {
    readonly append: (attempts: ReadonlyArray<Attempt>) => Effect.Effect<void, StoreError>
    /** Newest first. */
    readonly list: (query: AttemptQuery) => Effect.Effect<ReadonlyArray<Attempt>, StoreError>
  }
>()("@millrace/core/Attempts") {}

interface Numbered {
  /** The order of arrival, over all destinations. */
  readonly sequence: number
  readonly attempt: Attempt
}

interface Kept {
  readonly failures: Array<Numbered>
  readonly successes: Array<Numbered>
}

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Attempts> =>
  Layer.effect(
    Attempts,
    Effect.gen(function* () {
      const run = yield* guard
      const destinations = new Map<string, Kept>()
      let sequence = 0

      const keptOf = (destination: string): Kept => {
        const known = destinations.get(destination)
        if (known !== undefined) return known
        const made: Kept = { failures: [], successes: [] }
        destinations.set(destination, made)
        return made
      }

      const keep = (attempt: Attempt, now: number): void => {
        const { failures, successes } = keptOf(attempt.destination)
        sequence += 1
        if (attempt.outcome === delivered) {
          successes.push({ sequence, attempt })
          if (successes.length > limits.maxSuccesses) successes.shift()
          return
        }
        failures.push({ sequence, attempt })
        if (failures.length > limits.maxFailures) failures.shift()
        const fresh = failures.findIndex((kept) => kept.attempt.startedAt >= now - limits.maxAge)
        if (fresh !== 0) failures.splice(0, fresh === -1 ? failures.length : fresh)
      }

      return Attempts.of({
        append: (attempts) =>
          run((clock) => {
            const now = clock.currentTimeMillisUnsafe()
            for (const attempt of attempts) keep(attempt, now)
            return Effect.void
          }),
        list: (query) =>
          run(() => {
            const { destination, limit = 100 } = query
            const matches = matcher(query)
            const chosen =
              destination === undefined ? [...destinations.values()] : [destinations.get(destination)]
            return Effect.succeed(
              chosen
                .flatMap((kept) => (kept === undefined ? [] : [...kept.failures, ...kept.successes]))
                .filter(({ attempt }) => matches(attempt))
                .sort((a, b) => b.sequence - a.sequence)
                .slice(0, limit)
                .map(({ attempt }) => attempt),
            )
          }),
      })
    }),
  )
