import { Buckets, type Range, type Shown } from "../../base/Buckets.ts"
import * as Utf8 from "../../base/utf8.ts"
import { type Attempt, delivered } from "../../ports/Attempts.ts"

/** The last attempt at a destination, and what it has led to. */
export interface LastAttempt {
  readonly startedAt: number
  readonly outcome: Attempt["outcome"]
  readonly status: number | null
  readonly error: string | null
  readonly duration: number
  /** When the next one is due, and why then; `null` after a success. */
  readonly nextAt: number | null
  readonly waitReason: string | null
}

/** What the ledger says of a destination at one time. */
export interface LedgerSample {
  readonly delivered: number
  readonly filtered: number
  readonly dead: number
  readonly trimmed: number
  readonly pending: number
  /** ms, of the oldest that waits; `null` when nobody has looked. */
  readonly lag: number | null
}

/**
 * Columns of a destination's history. Durations have a column for each power of two, the last one
 * for all that took longer than 16 s.
 */
const columns = {
  ...{ delivered: 0, failed: 1, limited: 2, error: 3, waiting: 4, delay: 5 },
  ...{ looked: 6, forwarded: 7, filtered: 8, dead: 9, duration: 10 },
} as const

const durationColumns = 16

/** Histories that are kept: 107 KB each, 54 MB in all. */
const maxHistories = 500

/** Different errors that are remembered of a destination, and characters of each. */
const maxErrors = 32
const maxError = 200

const durationColumn = (millis: number): number =>
  Math.min(Math.max(Math.ceil(Math.log2(Math.max(millis, 1))), 0), durationColumns - 1)

/** The texts of a destination's failures by number; the oldest go first. */
class ErrorTexts {
  readonly #numbers = new Map<string, number>()
  readonly #texts = new Map<number, string>()
  #last = 0

  numberOf(error: string): number {
    const text = Utf8.cut(error, maxError)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#last += 1
    this.#numbers.set(text, this.#last)
    this.#texts.set(this.#last, text)
    const [oldest] = this.#numbers
    if (this.#numbers.size > maxErrors && oldest !== undefined) {
      this.#numbers.delete(oldest[0])
      this.#texts.delete(oldest[1])
    }
    return this.#last
  }

  textOf(number: number | null): string | null {
    return number === null ? null : (this.#texts.get(number) ?? null)
  }
}

/** A destination's last week, as this process has seen it. */
export interface DestinationPast {
  readonly shown: Shown
  /** Durations by bucket: how many took up to 1, 2, 4, ... ms. */
  readonly durations: ReadonlyArray<ReadonlyArray<number>>
  /** The last failure of each bucket. */
  readonly errors: ReadonlyArray<string | null>
}

interface Kept {
  readonly buckets: Buckets
  readonly errors: ErrorTexts
  sample: LedgerSample | null
}

/**
 * What this process's deliveries have come to, for those who look on: the last attempt at each
 * destination, and numbers by minute.
 */
export class DeliveryWatch {
  readonly #last = new Map<string, LastAttempt>()
  readonly #kept = new Map<string, Kept>()

  static readonly columns = columns

  /** @param limited for how many ms the attempt has waited for the rate limit */
  attempted(attempt: Attempt, limited: number): void {
    const { destination, startedAt, outcome, status, error, duration, wait, waitReason } = attempt
    const isDelivered = outcome === delivered
    const nextAt = isDelivered || wait === null ? null : startedAt + duration + wait
    this.#last.set(destination, { startedAt, outcome, status, error, duration, nextAt, waitReason })
    const kept = this.#keptOf(destination)
    if (kept === null) return
    const { buckets } = kept
    buckets.add(startedAt, isDelivered ? columns.delivered : columns.failed, 1)
    buckets.add(startedAt, columns.duration + durationColumn(duration), 1)
    if (limited > 0) buckets.add(startedAt, columns.limited, Math.round(limited))
    if (!isDelivered) buckets.set(startedAt, columns.error, kept.errors.numberOf(error ?? outcome))
  }

  /** Adds what the ledger says since the last sample to the bucket of a time. */
  sampled(destination: string, sample: LedgerSample, at: number): void {
    const kept = this.#keptOf(destination)
    if (kept === null) return
    const { buckets, sample: before } = kept
    kept.sample = sample
    buckets.set(at, columns.waiting, sample.pending)
    if (sample.lag !== null || sample.pending <= 0) buckets.set(at, columns.delay, sample.lag ?? 0)
    if (before === null) return
    const grown = (count: (one: LedgerSample) => number) => Math.max(count(sample) - count(before), 0)
    const forwarded = grown((one) => one.delivered)
    const filtered = grown((one) => one.filtered)
    const dead = grown((one) => one.dead)
    buckets.add(at, columns.looked, forwarded + filtered + dead + grown((one) => one.trimmed))
    buckets.add(at, columns.forwarded, forwarded)
    buckets.add(at, columns.filtered, filtered)
    buckets.add(at, columns.dead, dead)
  }

  lastOf(destination: string): LastAttempt | null {
    return this.#last.get(destination) ?? null
  }

  /** `null` where nothing has been kept. */
  show(destination: string, range: Range, now: number): DestinationPast | null {
    const kept = this.#kept.get(destination)
    if (kept === undefined) return null
    const shown = kept.buckets.show(range, now)
    const durations = Array.from({ length: durationColumns }, (_, index) =>
      shown.sums(columns.duration + index),
    )
    return {
      shown,
      durations: Array.from({ length: shown.count }, (_, bucket) =>
        durations.map((counts) => counts[bucket]!),
      ),
      errors: shown.last(columns.error).map((number) => kept.errors.textOf(number)),
    }
  }

  /** Forgets all but these: others have been removed. */
  retain(isKnown: (destination: string) => boolean): void {
    for (const map of [this.#last, this.#kept]) {
      for (const id of map.keys()) if (!isKnown(id)) map.delete(id)
    }
  }

  #keptOf(destination: string): Kept | null {
    const known = this.#kept.get(destination)
    if (known !== undefined) return known
    if (this.#kept.size >= maxHistories) return null
    const made: Kept = {
      buckets: new Buckets(columns.duration + durationColumns),
      errors: new ErrorTexts(),
      sample: null,
    }
    this.#kept.set(destination, made)
    return made
  }
}

/** How many ms a part of the attempts took at most, by a bucket's durations; `null` without any. */
export const quantile = (counts: ReadonlyArray<number>, part: number): number | null => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let before = 0
  for (const [index, count] of counts.entries()) {
    if (count > 0 && before + count >= total * part) {
      const from = index === 0 ? 0 : 2 ** (index - 1)
      return Math.round(from + ((total * part - before) / count) * (2 ** index - from))
    }
    before += count
  }
  return 2 ** (counts.length - 1)
}
