import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Range, type Shown, type Span, spanOf } from "../../base/Buckets.ts"
import { DeliveryWatch, type DestinationPast, quantile } from "../../deliver/dispatcher/deliveryWatch.ts"
import { IntakeWatch } from "../../intake/IntakeWatch.ts"
import type { Counters } from "../../ports/Counters.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { DestinationHistory, IntakeHistory } from "../rows/history.ts"

const hour = 60 * 60 * 1000

const day = 24 * hour

type Column = ReadonlyArray<number | null>

/** Nothing is known of buckets that ended before counting began. */
const known = <A>({ from, step }: Pick<Shown, "from" | "step">, since: number, values: ReadonlyArray<A>) =>
  values.map((value, index) => (from + (index + 1) * step <= since ? null : value))

/**
 * Events by bucket, a day before, from counts by hour: a bucket has its part of each hour that it
 * lies in.
 */
const yesterdayOf = Effect.fnUntraced(function* (
  counters: Counters["Service"],
  { from, step, count }: Span,
): Effect.fn.Return<Column, StoreError> {
  const begin = from - day
  const first = Math.floor(begin / hour) * hour
  const counts = yield* counters.list(first, begin + count * step)
  const byHour = new Map<number, number>()
  for (const { hour: at, count: events } of counts) byHour.set(at, (byHour.get(at) ?? 0) + events)
  return Array.from({ length: count }, (_, index) => {
    const start = begin + index * step
    const end = start + step
    let sum = 0
    for (let at = Math.floor(start / hour) * hour; at < end; at += hour) {
      const shared = Math.min(end, at + hour) - Math.max(start, at)
      sum += ((byHour.get(at) ?? 0) * shared) / hour
    }
    return Math.round(sum)
  })
})

/** @param watch `null` where no intake runs: then there is what the store has counted */
export const intakeHistory = Effect.fnUntraced(function* (
  counters: Counters["Service"],
  watch: IntakeWatch | null,
  since: number | null,
  range: Range,
): Effect.fn.Return<IntakeHistory, StoreError> {
  const now = yield* Clock.currentTimeMillis
  const began = since ?? now
  const shown = watch?.show(range, now) ?? null
  const { from, step, count } = shown ?? spanOf(range, now)
  const column = (name: keyof typeof IntakeWatch.columns): Column =>
    shown === null
      ? Array.from({ length: count }, () => null)
      : known(shown, began, shown.sums(IntakeWatch.columns[name]))
  return {
    ...{ from, step, since: began, at: now },
    ...{ stored: column("stored"), rejected: column("rejected"), refused: column("refused") },
    yesterday: yield* yesterdayOf(counters, { from, step, count }),
  }
})

/**
 * What nobody has looked at stays as it was while nothing happens: what waits goes on waiting, and
 * grows older.
 */
const carried = (
  { from, step }: Shown,
  waiting: Column,
  delay: Column,
  now: number,
): { readonly waiting: Column; readonly delay: Column } => {
  let last: { readonly waiting: number; readonly delay: number; readonly at: number } | null = null
  const both = waiting.map((count, index): readonly [number | null, number | null] => {
    const at = Math.min(from + (index + 1) * step, now)
    if (count !== null) last = { waiting: count, delay: delay[index] ?? 0, at }
    if (last === null) return [null, null]
    return [last.waiting, last.waiting === 0 ? 0 : last.delay + at - last.at]
  })
  return { waiting: both.map(([count]) => count), delay: both.map(([, millis]) => millis) }
}

/** @param past `null` where nothing was noticed of the destination */
export const destinationHistory = (
  past: DestinationPast | null,
  since: number,
  range: Range,
  now: number,
): DestinationHistory => {
  const { from, step, count } = past?.shown ?? spanOf(range, now)
  const sums = (name: keyof typeof DeliveryWatch.columns): Column =>
    known(
      { from, step },
      since,
      past?.shown.sums(DeliveryWatch.columns[name]) ?? Array<number>(count).fill(0),
    )
  const nothing = Array.from({ length: count }, () => null)
  const quantiles = (part: number): Column =>
    past?.durations.map((counts) => quantile(counts, part)) ?? nothing
  const { waiting, delay } =
    past === null
      ? { waiting: nothing, delay: nothing }
      : carried(
          past.shown,
          past.shown.last(DeliveryWatch.columns.waiting),
          past.shown.last(DeliveryWatch.columns.delay),
          now,
        )
  return {
    ...{ from, step, since, at: now },
    ...{ delivered: sums("delivered"), failed: sums("failed") },
    ...{ half: quantiles(0.5), most: quantiles(0.95), waiting, delay },
    ...{
      events: sums("looked"),
      forwarded: sums("forwarded"),
      filtered: sums("filtered"),
      dead: sums("dead"),
    },
    rateLimited: sums("limited"),
    error: past?.errors ?? nothing,
  }
}
