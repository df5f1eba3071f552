/** Dead letters that somebody has chosen: whole causes, or some of a cause's letters. */
import type { Rows } from "@millrace/core/host"
import { count, plural } from "../text/numbers.ts"

type Cause = Rows.Cause

/** Names a cause on the page. */
export const keyOf = ({ destination, reason, status, pattern }: Cause): string =>
  JSON.stringify([destination, reason, status, pattern])

/** By cause: all of it, or the ids of some letters. */
export type Chosen = ReadonlyMap<string, "all" | ReadonlySet<string>>

export const none: Chosen = new Map()

export const countOf = (chosen: Chosen, causes: ReadonlyArray<Cause>): number =>
  causes.reduce((sum, cause) => {
    const of = chosen.get(keyOf(cause))
    return sum + (of === undefined ? 0 : of === "all" ? cause.count : of.size)
  }, 0)

export const chooseCause = (chosen: Chosen, cause: Cause, isOn: boolean): Chosen => {
  const next = new Map(chosen)
  if (isOn) next.set(keyOf(cause), "all")
  else next.delete(keyOf(cause))
  return next
}

/**
 * Chooses a letter, or not any more. Taking one out of a whole cause leaves those that are shown:
 * nobody has seen the others.
 */
export const chooseLetter = (
  chosen: Chosen,
  cause: Cause,
  eventId: string,
  isOn: boolean,
  shown: ReadonlyArray<string>,
): Chosen => {
  const key = keyOf(cause)
  const before = chosen.get(key)
  const ids = new Set(before === "all" ? shown : before)
  if (isOn) ids.add(eventId)
  else ids.delete(eventId)
  const next = new Map(chosen)
  if (ids.size === 0) next.delete(key)
  else next.set(key, ids.size === cause.count ? "all" : ids)
  return next
}

export const isChosen = (chosen: Chosen, cause: Cause, eventId: string): boolean => {
  const of = chosen.get(keyOf(cause))
  return of === "all" || (of?.has(eventId) ?? false)
}

/** Whose letters are chosen, each once. */
export const destinationsOf = (chosen: Chosen, causes: ReadonlyArray<Cause>): ReadonlyArray<string> => [
  ...new Set(causes.filter((cause) => chosen.has(keyOf(cause))).map(({ destination }) => destination)),
]

export const choiceOf = ({ destination, reason, pattern, status }: Cause): Rows.LetterChoice => ({
  destination,
  cause: { reason, pattern, status },
})

/**
 * What the API is asked: one choice for each whole cause, and one for the letters of a destination.
 */
export const choicesOf = (chosen: Chosen, causes: ReadonlyArray<Cause>): ReadonlyArray<Rows.LetterChoice> => {
  const choices: Array<Rows.LetterChoice> = []
  const single = new Map<string, Array<string>>()
  for (const cause of causes) {
    const of = chosen.get(keyOf(cause))
    if (of === undefined) continue
    if (of === "all") choices.push(choiceOf(cause))
    else single.set(cause.destination, [...(single.get(cause.destination) ?? []), ...of])
  }
  for (const [destination, eventIds] of single) choices.push({ destination, eventIds })
  return choices
}

/** Where letters are that were refused on arrival. */
export const intake = "intake"

/** "growth-crm", "billing and growth-crm", "3 destinations". */
export const inWords = (destinations: ReadonlyArray<string>): string => {
  const named = destinations.map((id) => (id === intake ? "those rejected on arrival" : id))
  return named.length > 2 ? plural(named.length, "place") : named.join(" and ")
}

export const whyNot =
  "What was rejected on arrival cannot be replayed: it never was an event. Correct it, and send it in again."

/** How a replay goes, or went. */
export const jobSays = (job: Rows.Job): string => {
  const { kind, total, looked, delivered, filtered, failed } = job
  const left = total === null ? null : Math.max(total - looked, 0)
  const parts = [
    `${count(delivered)} delivered`,
    ...(kind === "letters" || failed > 0 ? [`${count(failed)} refused again`] : []),
    ...(filtered > 0 ? [`${count(filtered)} filtered out`] : []),
    ...(left === null || job.endedAt !== null ? [] : [`${count(left)} left`]),
  ]
  return `${parts.join(", ")}.`
}

export const jobTitle = ({ kind, destination, endedAt, stopped }: Rows.Job): string => {
  const what = kind === "letters" ? `dead letters to ${destination}` : `a time range to ${destination}`
  if (stopped !== null) return `Stopped replaying ${what}`
  return `${endedAt === null ? "Replaying" : "Replayed"} ${what}`
}

/** The user's id in the JSON text of an event; nothing where it cannot be read, or has none. */
export const userOf = (event: string): string => {
  try {
    const { user, userID } = JSON.parse(event) as { user?: { userID?: unknown }; userID?: unknown }
    const id = user?.userID ?? userID
    return typeof id === "string" || typeof id === "number" ? String(id) : ""
  } catch {
    return ""
  }
}
