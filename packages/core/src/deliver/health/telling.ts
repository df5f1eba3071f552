/**
 * What is said of a destination's health, and when: from what was told before, what is so now and
 * the time, to what is to be told. Nothing here waits or writes.
 *
 * ```
 *          begins to fail        fails in another way, circuit opens, an hour passes
 *   well ────────────────► failing ────────────────────────────────────────────────► failing
 *     ▲                      │ │
 *     └──── well again ──────┘ │ for the 4th time within an hour
 *     ▲                        ▼
 *     └── well after an hour ── quiet: one line an hour, whatever happens
 * ```
 */
import type { Condition, Failing, Failure } from "./Condition.ts"
import { isCircuitOpen } from "./Condition.ts"

/** ms from one reminder of a failure to the next, and for which those that flap are told once. */
const everyHour = 60 * 60 * 1000

/** Failures that are told from beginning to end within an hour: more, and it flaps. */
const toldInFull = 3

/** What there is to say. */
export type News =
  | { readonly _tag: "Began"; readonly failure: Failure }
  | { readonly _tag: "OtherWay"; readonly failure: Failure }
  | { readonly _tag: "CircuitOpened"; readonly failure: Failure }
  | { readonly _tag: "StillFails"; readonly failure: Failure; readonly times: number }
  | { readonly _tag: "Flaps"; readonly failure: Failure }
  | { readonly _tag: "WellAgain"; readonly past: NonNullable<Condition["past"]>; readonly times: number }

/** What has been told of a destination so far. */
export interface Told {
  /** Whoever has read it takes the destination to be failing. */
  readonly isFailing: boolean
  /** What has been said of the failure at hand. */
  readonly said: ReadonlyArray<Failing | "open">
  /** When the failures of the last hour began that were told in full, in ms. */
  readonly begins: ReadonlyArray<number>
  readonly isQuiet: boolean
  /** How many failures had begun in all when that was last told. */
  readonly begun: number
  /** When something may be due though nothing happens, in ms; `null` for never. */
  readonly due: number | null
}

export const nothing: Told = {
  ...{ isFailing: false, said: [], begins: [], isQuiet: false, begun: 0, due: null },
}

/** The destination's failure was told elsewhere: by the process that had it before. */
export const toldBefore = (told: Told, now: number): Told =>
  told.isFailing ? told : { ...told, isFailing: true, due: now }

type Step = readonly [Told, ReadonlyArray<News>]

const begin = (told: Told, { begun }: Condition, failure: Failure, now: number): Step => {
  const recent = told.begins.filter((at) => now - at < everyHour)
  const common = { isFailing: true, begun, due: now + everyHour } as const
  return recent.length < toldInFull
    ? [
        { ...common, said: [failure.way], begins: [...recent, now], isQuiet: false },
        [{ _tag: "Began", failure }],
      ]
    : [{ ...common, said: [], begins: recent, isQuiet: true }, [{ _tag: "Flaps", failure }]]
}

const goOn = (told: Told, { begun }: Condition, failure: Failure, now: number): Step => {
  let next = told
  const news: Array<News> = []
  if (told.due !== null && now >= told.due) {
    const times = begun - told.begun
    next = {
      ...next,
      begun,
      // One that has failed all the time since is told in full again.
      isQuiet: told.isQuiet && times > 0,
      said: [...new Set([...told.said, failure.way, ...(isCircuitOpen(failure) ? ["open" as const] : [])])],
      due: now + everyHour - ((now - told.due) % everyHour),
    }
    news.push({ _tag: "StillFails", failure, times })
  }
  if (!next.isQuiet && !next.said.includes(failure.way)) {
    next = { ...next, said: [...next.said, failure.way] }
    news.push({ _tag: "OtherWay", failure })
  }
  if (isCircuitOpen(failure) && !next.said.includes("open")) {
    next = { ...next, said: [...next.said, "open"] }
    news.push({ _tag: "CircuitOpened", failure })
  }
  return [next, news]
}

const end = (told: Told, { past, begun }: Condition, now: number): Step => {
  if (told.isQuiet && told.due !== null && now < told.due) return [told, []]
  const well = { ...told, isFailing: false, said: [], isQuiet: false, begun, due: null }
  return [well, past === null ? [] : [{ _tag: "WellAgain", past, times: begun - told.begun }]]
}

/**
 * @param now ms, on the monotonic clock
 * @returns what has been told then, and the news, in their order
 */
export const tell = (told: Told, condition: Condition, now: number): Step => {
  const { failure, inherited } = condition
  // Nothing has been tried yet, so there is nothing to say.
  if (inherited !== null) return [told, []]
  if (failure !== null) {
    if (told.isFailing) return goOn(told, condition, failure, now)
    const [begun, news] = begin(told, condition, failure, now)
    const [next, more] = goOn(begun, condition, failure, now)
    return [next, [...news, ...more]]
  }
  return told.isFailing ? end(told, condition, now) : [told, []]
}

/** When something has to be told though nothing happens, in ms; infinity for never. */
export const dueAt = (told: Told, { failure, inherited }: Condition): number => {
  if (inherited !== null || told.due === null) return Number.POSITIVE_INFINITY
  return failure !== null || told.isQuiet ? told.due : Number.POSITIVE_INFINITY
}
