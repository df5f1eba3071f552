import type { WebhookEvent } from "../WebhookEvent.ts"
import { isShowable } from "./plainText.ts"

/** More would be a list that nobody reads. */
const maxNames = 10

const maxUsers = 5

/** Texts with how often each stands there, the most frequent first. */
interface Tally {
  readonly shown: ReadonlyArray<{ readonly text: string; readonly count: number }>
  /** How many different texts are left out. */
  readonly more: number
}

/** What a message to people says of a batch. */
export interface Summary {
  readonly count: number
  readonly names: Tally
  /** By how many of the events are theirs; events without a user count nowhere. */
  readonly users: Tally
  /** When the first and the last of the events happened, in UTC; `null` when no calendar says. */
  readonly span: string | null
}

/**
 * Where two are as frequent, the one that came first stands first: a batch always reads the same.
 */
const tally = (texts: Iterable<string>, most: number): Tally => {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  const shown = [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, most)
    .map(([text, count]) => ({ text, count }))
  return { shown, more: counts.size - shown.length }
}

/** ms from the epoch, either way, that `Date` can say. */
const mostMillis = 8.64e15

const timeText = (millis: number): readonly [date: string, time: string] => {
  const [date, time] = new Date(millis).toISOString().split("T")
  return [date!, time!.slice(0, 8)]
}

const spanOf = (events: ReadonlyArray<WebhookEvent>): string | null => {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const { timestamp } of events) {
    first = Math.min(first, timestamp)
    last = Math.max(last, timestamp)
  }
  if (!(Math.abs(first) <= mostMillis && Math.abs(last) <= mostMillis)) return null
  const [firstDate, firstTime] = timeText(first)
  const [lastDate, lastTime] = timeText(last)
  const begin = `${firstDate} ${firstTime}`
  if (firstDate !== lastDate) return `${begin} to ${lastDate} ${lastTime} UTC`
  return firstTime === lastTime ? `${begin} UTC` : `${begin} to ${lastTime} UTC`
}

export const summaryOf = (events: ReadonlyArray<WebhookEvent>): Summary => ({
  count: events.length,
  names: tally(
    events.map(({ eventName }) => eventName),
    maxNames,
  ),
  users: tally(events.map(({ userID }) => userID).filter(isShowable), maxUsers),
  span: spanOf(events),
})

/** The same on every machine, whatever language it speaks. */
export const numberText = (count: number): string => count.toLocaleString("en-US")

export const headingOf = ({ count }: Summary): string => `${numberText(count)} event${count === 1 ? "" : "s"}`

/** `and 3 more`; `null` when nothing is left out. */
export const moreText = ({ more }: Tally): string | null =>
  more === 0 ? null : `and ${numberText(more)} more`

/**
 * Lines of a list: each name with its count.
 *
 * @param show makes a name fit to be shown
 */
export const nameLines = ({ names }: Summary, show: (name: string) => string): ReadonlyArray<string> => {
  const more = moreText(names)
  const lines = names.shown.map(({ text, count }) => `${show(text)} × ${numberText(count)}`)
  return more === null ? lines : [...lines, more]
}

/**
 * `a, b and 3 more`; `null` when no event has a user.
 *
 * @param show makes a user's id fit to be shown
 */
export const usersLine = ({ users }: Summary, show: (userID: string) => string): string | null => {
  if (users.shown.length === 0) return null
  const more = moreText(users)
  const ids = users.shown.map(({ text }) => show(text)).join(", ")
  return more === null ? ids : `${ids} ${more}`
}
