import type { EventAt, FilterReason } from "../../api/rows.ts"
import { answers } from "../../text/answers.ts"
import { count } from "../../text/numbers.ts"
import { replyText } from "../../text/reply.ts"
import type { Said } from "../../text/said.ts"
import { clock, exact, since, span, when } from "../../text/times.ts"
import { categories, type Mark } from "../../text/words.ts"

/** Where an event is, as far as one destination goes: a shape, a sentence, and what helps. */
export interface Where {
  readonly mark: Mark
  readonly said: Said
  readonly button: "Filter" | "Attempt" | "Replay" | null
}

/** Why a filter leaves an event out. */
const reasonOf = (reason: FilterReason): Said => {
  switch (reason._tag) {
    case "CategoryOff":
      return [`The category "${categories[reason.category]}" is off.`]
    case "Unticked":
      return [{ code: reason.eventName }, " is off in the table of Custom Events."]
    case "NotListed":
      return [{ code: reason.eventName }, " is not in the table, and new events are not included."]
    case "NotIncluded":
      return ['No name in "include" matches.']
    case "Excluded":
      return [{ code: reason.pattern }, ' in "exclude" matches.']
    case "Where":
      return [
        "where: ",
        { code: reason.field },
        ...(reason.found === null ? [" is not there"] : [" is ", { code: reason.found }]),
        `, and not ${reason.expected}.`,
      ]
    case "Sampled":
      return [`sample: this user is not among the ${reason.percent} %.`]
    case "Predicate":
      return ["The program's own predicate says no."]
  }
}

const before = (ahead: number): string =>
  `${count(ahead)} ${ahead === 1 ? "event is" : "events are"} before it`

const nextTry = (nextAt: number | null): Said =>
  nextAt === null ? [] : [" Next try ", { at: nextAt, text: clock(nextAt) }, "."]

const paused: Readonly<Record<string, string>> = {
  "by-hand": "paused by hand",
  gone: "it has answered 410, and is paused",
  unconfigured: "it is not in the configuration any more",
}

const deadSaid: Readonly<Record<string, string>> = {
  refused: " to this event alone, while others passed",
  "too-large": " to this event alone: it is too large",
  poison: " to this event alone, again and again, while others passed",
}

const dead = (is: Extract<EventAt["is"], { readonly _tag: "Dead" }>, now: number): Said => {
  const answered = is.status === null ? "Failed" : `Answered ${is.status}`
  const how =
    is.reason === "unexportable"
      ? "It could not be made"
      : is.reason === "expired"
        ? "Given up after the destination had failed for too long"
        : `${answered}${deadSaid[is.reason] ?? ""}`
  const replayed: Said =
    is.replayedAt === null
      ? []
      : [" Replayed and delivered ", { at: is.replayedAt, text: when(is.replayedAt, now) }, "."]
  const said = how.startsWith("Answered") ? replyText(is.message) : is.message
  return [`Dead letter. ${how}`, ...(said === "" ? [] : [": ", { code: said }]), ".", ...replayed]
}

/** Nothing but time helps. */
const waits = (...said: Said): Where => ({ mark: "waiting", said, button: null })

const leftOut = (button: Where["button"], ...said: Said): Where => ({ mark: "filtered", said, button })

/** @param arrived when the event came in */
export const whereItIs = ({ destination, is }: EventAt, arrived: number, now: number): Where => {
  switch (is._tag) {
    case "Delivered": {
      if (is.at === null)
        return { mark: "delivered", said: ["Delivered. The attempt is no longer on record."], button: null }
      const batch = is.events === null || is.events === 1 ? "" : `, in a batch of ${count(is.events)}`
      const took = is.duration === null ? "" : ` in ${span(is.duration)}`
      const answered = is.status === null ? "" : ` Answered ${is.status}${took}${batch}.`
      return {
        mark: "delivered",
        said: [
          "Delivered ",
          { at: is.at, text: exact(is.at) },
          `, ${span(is.at - arrived)} after it arrived.${answered}`,
        ],
        button: is.webhookId === null ? null : "Attempt",
      }
    }
    case "Filtered":
      return leftOut("Filter", "Filtered out. ", ...reasonOf(is.reason))
    case "PassedBefore":
      return leftOut(
        "Filter",
        `Passed by before the filter was changed at ${since(is.changedAt, now)}. What the old one said is not on record; the present one would ${
          is.wouldPass ? "send it" : "leave it out"
        }.`,
      )
    case "Filling":
      return waits(`In the batch that is being filled: sent within ${span(is.within)}.`)
    case "Queued": {
      const about = is.about === null ? "" : `, about ${span(is.about)}`
      return waits(`Waits for its turn: ${before(is.ahead)}${about}.`)
    }
    case "Failing":
      return waits(`Waits: ${destination} ${answers(is.status)}. ${before(is.ahead)}.`, ...nextTry(is.nextAt))
    case "Paused":
      return waits(`Waits: ${paused[is.reason]} since ${since(is.since, now)}.`)
    case "HeldBack":
      return waits("Held back: refused alone, tried once more when another event has passed.")
    case "Dead":
      return { mark: "dead", said: dead(is, now), button: is.reason === "invalid" ? null : "Replay" }
    case "BeganLater": {
      const began = is.began === null ? "" : `, ${since(is.began, now)}`
      return leftOut(null, `Arrived before this destination began${began}. A replay can send it.`)
    }
    case "Skipped":
      return leftOut(
        null,
        "Skipped by hand, or done before that: which one is not on record. A replay can send it.",
      )
    case "Lost":
      return { mark: "dead", said: ["Dropped by the log before it was tried."], button: null }
  }
}

/** How long before it arrived an event has happened; `null` where its sender did not say. */
export const happenedBefore = (came: unknown, receivedAt: number, offset: number): number | null => {
  if (typeof came !== "object" || came === null || !("time" in came)) return null
  const time = Number(came.time)
  const before = receivedAt - (time + offset)
  return Number.isFinite(before) && before >= 0 ? before : null
}
