/** How a destination is doing, in words: its state, a sentence for it, and what follows from it. */
import type { Rows } from "@millrace/core/host"
import { answersFor } from "../text/answers.ts"
import { stateOf } from "../text/destinationState.ts"
import { count, decimal, plural } from "../text/numbers.ts"
import type { Said } from "../text/said.ts"
import { since, span } from "../text/times.ts"
import { caughtUpAt } from "./caughtUpAt.ts"

type Destination = Rows.DestinationNow

/** What the sentences take from beside the destination. */
export interface Around {
  readonly now: number
  /** Events that arrive a second. */
  readonly arriving: number
  /** How long the log keeps what it has; `null` when only its size bounds it. */
  readonly keepFor: number | null
}

export interface Says {
  readonly headline: string
  readonly detail: Said
}

const waiting = ({ pending, willSend }: Destination): Said => {
  if (pending === 0) return ["Nothing waits for it."]
  const wait = { strong: pending === 1 ? "1 event waits" : `${count(pending)} events wait` }
  if (willSend === null || willSend >= pending) return [wait, "."]
  return [wait, `, about ${count(willSend)} of them ${willSend === 1 ? "passes" : "pass"} its filter.`]
}

const upperFirst = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

const failing = (destination: Destination, { now }: Around): Says => {
  const { failures, circuit, lastOutcome, givesUpAt } = destination
  const isWrong = lastOutcome === "misconfigured"
  const oneAtATime = circuit === "closed" ? "." : "; the circuit is open, so one request at a time is tried."
  const kept =
    isWrong || givesUpAt === null
      ? " None is lost, and none expires for it."
      : ` None is lost; none is given up before ${since(givesUpAt, now)}.`
  return {
    headline: `${upperFirst(answersFor(destination, now))}${isWrong ? ": set up wrongly" : ""}.`,
    detail: [
      `${plural(failures, "failure")} in a row${oneAtATime} `,
      ...waiting(destination),
      destination.pending > 0 ? kept : "",
    ],
  }
}

const behind = (destination: Destination, around: Around): Says => {
  const { lag, rate, limit, filterRate } = destination
  const at = caughtUpAt(destination, around.arriving, around.now)
  const isAtLimit = limit !== null && rate >= limit * 0.95
  const sends = `Sends ${decimal(rate)} a second${isAtLimit ? ", which is its limit" : ""}`
  const gain = rate + filterRate - around.arriving
  const goes =
    at === null
      ? `, and loses ${decimal(-gain)} events a second against what arrives.`
      : `, and gains ${decimal(gain)} events a second on what arrives: caught up about ${since(at, around.now)}.`
  return {
    headline: `${span(lag ?? 0)} behind, and ${at === null ? "falling further behind" : "catching up"}.`,
    detail: [...waiting(destination), ` ${sends}${goes}`],
  }
}

const flowing = ({ lag, rate, pending, failures, lastStatus }: Destination): Says => ({
  headline: lag === null || pending === 0 ? "Flowing; nothing waits." : `Flowing, ${span(lag)} behind.`,
  detail: [
    rate === 0 ? "Nothing was sent in the last minute." : `${decimal(rate)} events a second.`,
    failures === 0
      ? ""
      : ` The last ${failures === 1 ? "attempt" : `${failures} attempts`} failed${lastStatus === null ? "" : ` (${lastStatus})`}.`,
  ],
})

/** When the log may begin to drop what waits; `null` when time alone never makes it. */
const droppedFrom = ({ lag }: Destination, { now, keepFor }: Around): number | null =>
  keepFor === null || lag === null ? null : now - lag + keepFor

const off = (destination: Destination, around: Around): Says => {
  const { at, reason } = destination.disabled!
  const from = since(at, around.now)
  const headline = {
    gone: `Gone: it answered 410 at ${from}.`,
    "by-hand": `Paused by hand since ${from}.`,
    unconfigured: `Paused since ${from}: it is no longer in the configuration.`,
  }[reason]
  const dropped = droppedFrom(destination, around)
  return {
    headline,
    detail: [
      ...waiting(destination),
      " Its place is kept.",
      dropped === null ? "" : ` After ${since(dropped, around.now)} the log may drop what waits.`,
    ],
  }
}

/** The sentence that a destination's page begins with, and the one below it. */
export const says = (destination: Destination, around: Around): Says => {
  switch (stateOf(destination)) {
    case "failing":
      return failing(destination, around)
    case "behind":
      return behind(destination, around)
    case "flowing":
      return flowing(destination)
    default:
      return off(destination, around)
  }
}

/** The same in a line of a list, beside the word for the state. */
export const saysShortly = (destination: Destination, now: number): Said => {
  const { lag, rate, nextAt, disabled } = destination
  switch (stateOf(destination)) {
    case "failing": {
      const says = answersFor(destination, now)
      return nextAt === null ? [says] : [`${says}, next try `, { at: nextAt }]
    }
    case "behind":
      return [`${decimal(rate)} events/s, ${span(lag ?? 0)} behind`]
    case "flowing":
      return [`${decimal(rate)} events/s${lag === null ? "" : `, ${span(lag)} behind`}`]
    default: {
      const why = { gone: "it answered 410", "by-hand": "by hand", unconfigured: "not in the configuration" }
      return [`${why[disabled!.reason]}, since ${since(disabled!.at, now)}`]
    }
  }
}
