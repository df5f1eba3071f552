import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Counters, otherNames } from "../../ports/Counters.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { categoryOf } from "../../select/Filter.ts"
import type { NameRow } from "../rows/history.ts"

const hour = 60 * 60 * 1000

/** Names that are listed by default, and at most. */
const limits = { usual: 100, most: 10_000 } as const

/** Hours that are compared, and how many events they need on the day before to say anything. */
const compared = { hours: 3, least: 30 } as const

interface Query {
  readonly limit?: number
  readonly contains?: string
}

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((all, count) => all + count, 0)

/**
 * Event names of the last day by volume, with what has changed against the day before: nothing is
 * said of it where the day before was not recorded in all of the hours that are compared.
 */
export const listNames = Effect.fnUntraced(function* (
  counters: Counters["Service"],
  { limit = limits.usual, contains = "" }: Query,
): Effect.fn.Return<{ readonly names: ReadonlyArray<NameRow>; readonly total: number }, StoreError> {
  const now = yield* Clock.currentTimeMillis
  const thisHour = Math.floor(now / hour) * hour
  const first = thisHour - 23 * hour
  const firstCompared = thisHour - (24 + compared.hours) * hour
  // The hours that are compared are whole: the one that has begun is not among them. One more tells
  // whether the first of them was counted from its beginning.
  const counts = yield* counters.list(firstCompared - hour, thisHour + hour)
  const counted = new Set(counts.map((row) => row.hour))
  const isRecorded = Array.from(
    { length: compared.hours + 1 },
    (_, index) => firstCompared + (index - 1) * hour,
  ).every((at) => counted.has(at))
  const hours = new Map<string, { readonly day: Array<number>; before: number; last: number }>()
  for (const { hour: at, eventName, count } of counts) {
    const known = hours.get(eventName) ?? { day: Array<number>(24).fill(0), before: 0, last: 0 }
    hours.set(eventName, known)
    if (at >= first) known.day[(at - first) / hour]! += count
    if (at >= thisHour - compared.hours * hour && at < thisHour) known.last += count
    const isBefore = at >= firstCompared && at < thisHour - 24 * hour
    if (isBefore) known.before += count
  }
  const wanted = contains.toLowerCase()
  const rows = [...hours].flatMap(([eventName, { day, before, last }]): ReadonlyArray<NameRow> => {
    const volume = sum(day)
    if (volume === 0 || !eventName.toLowerCase().includes(wanted)) return []
    const change = !isRecorded || before < compared.least ? null : last / before - 1
    const category = eventName === otherNames ? "custom" : categoryOf(eventName)
    return [{ eventName, category, volume, hours: day, change }]
  })
  rows.sort((a, b) => b.volume - a.volume || (a.eventName < b.eventName ? -1 : 1))
  return { names: rows.slice(0, Math.min(limit, limits.most)), total: rows.length }
})
