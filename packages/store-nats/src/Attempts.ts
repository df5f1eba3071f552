import { Buffer } from "node:buffer"
import { Attempts, type StoreError } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Message, readJson, type Stream } from "./Stream.ts"
import { tokenOf } from "./Table.ts"

/** One message: attempts of one destination that all succeeded or all failed, oldest first. */
interface Run {
  readonly destination: string
  readonly failed: boolean
  /** When they were appended, in ms. */
  readonly at: number
  readonly attempts: ReadonlyArray<Attempts.Attempt>
}

/** In one message, in bytes of JSON: errors are bounded texts. */
const maxRunBytes = 256 * 1024

const concurrency = 64

/** How many messages are looked through first; then four times as many, and so on. */
const firstWindow = 256

const isFailed = ({ outcome }: Attempts.Attempt): boolean => outcome !== Attempts.delivered

/** In their order: those that follow each other and are of one kind together. */
const runsOf = (attempts: ReadonlyArray<Attempts.Attempt>, at: number): ReadonlyArray<Run> => {
  const runs: Array<Run & { readonly attempts: Array<Attempts.Attempt> }> = []
  let bytes = 0
  for (const attempt of attempts) {
    const last = runs.at(-1)
    const size = JSON.stringify(attempt).length
    bytes += size
    if (
      last?.destination === attempt.destination &&
      last.failed === isFailed(attempt) &&
      bytes <= maxRunBytes
    ) {
      last.attempts.push(attempt)
    } else {
      runs.push({ destination: attempt.destination, failed: isFailed(attempt), at, attempts: [attempt] })
      bytes = size
    }
  }
  return runs
}

/** What the port keeps of each destination, going from the newest run to the oldest. */
const makeKeep = () => {
  const seen = new Map<string, { failures: number; successes: number; expired: number }>()
  return ({ destination, failed, at, attempts }: Run): ReadonlyArray<Attempts.Attempt> => {
    const of = seen.get(destination) ?? { failures: 0, successes: 0, expired: Number.NEGATIVE_INFINITY }
    seen.set(destination, of)
    const newest = attempts.toReversed()
    if (!failed) {
      const kept = newest.slice(0, Math.max(0, Attempts.limits.maxSuccesses - of.successes))
      of.successes += kept.length
      return kept
    }
    // Old ones go when a newer failure arrives: the newest run says when that was.
    of.expired = Math.max(of.expired, at - Attempts.limits.maxAge)
    const kept = newest
      .filter(({ startedAt }) => startedAt >= of.expired)
      .slice(0, Math.max(0, Attempts.limits.maxFailures - of.failures))
    of.failures += kept.length
    return kept
  }
}

/**
 * A stream with a subject for each destination and kind, of which the server keeps the last
 * messages.
 */
export const make = (stream: Stream, base: string): Attempts.Attempts["Service"] => {
  const subjectOf = ({ destination, failed }: Run): string =>
    `${base}.${tokenOf(destination)}.${failed ? "failed" : "delivered"}`

  const patternOf = ({ destination, failuresOnly = false }: Attempts.AttemptQuery): string =>
    `${base}.${destination === undefined ? "*" : tokenOf(destination)}.${failuresOnly ? "failed" : "*"}`

  const append = Effect.fnUntraced(function* (attempts: ReadonlyArray<Attempts.Attempt>) {
    const runs = runsOf(attempts, yield* Clock.currentTimeMillis)
    yield* Effect.forEach(
      runs,
      (run) => stream.publish({ subject: subjectOf(run), data: Buffer.from(JSON.stringify(run)) }),
      { concurrency, discard: true },
    )
  })

  /** Those between two numbers, newest first. */
  const between = Effect.fnUntraced(function* (pattern: string, from: number, to: number) {
    const found: Array<Run> = []
    let message: Message | null = yield* stream.next(pattern, from)
    while (message !== null && message.seq <= to) {
      found.push(yield* readJson<Run>(message))
      message = yield* stream.next(pattern, message.seq + 1)
    }
    return found.reverse()
  })

  const list = Effect.fnUntraced(function* (
    query: Attempts.AttemptQuery,
  ): Effect.fn.Return<ReadonlyArray<Attempts.Attempt>, StoreError> {
    const { limit = 100 } = query
    const pattern = patternOf(query)
    const keep = makeKeep()
    const matches = Attempts.matcher(query)
    const found: Array<Attempts.Attempt> = []
    const { first_seq: first, last_seq: last } = yield* stream.state
    for (let to = last, window = firstWindow; to >= first && found.length < limit; window *= 4) {
      const from = Math.max(first, to - window + 1)
      for (const run of yield* between(pattern, from, to)) found.push(...keep(run).filter(matches))
      to = from - 1
    }
    return found.slice(0, limit)
  })

  return { append, list }
}
