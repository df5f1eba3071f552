import type { Cause, Check, Destination, Refusal, Status } from "../../api/rows.ts"
import { destinationHref, href } from "../../state/address.ts"
import { answers } from "../../text/answers.ts"
import { stateOf } from "../../text/destinationState.ts"
import { count, decimal, plural } from "../../text/numbers.ts"
import { replyText } from "../../text/reply.ts"
import type { Said } from "../../text/said.ts"
import { clock, day, minute, since, span } from "../../text/times.ts"
import type { Tone } from "../../text/words.ts"
import { manyWrongKeys } from "./verdict.ts"

/** Something that needs somebody: a sentence, its consequence, and one button. */
export interface Need {
  readonly key: string
  readonly tone: Tone
  readonly title: string
  readonly href: string
  readonly text: Said
  readonly button:
    | { readonly text: string; readonly href: string }
    | {
        readonly text: string
        readonly does: "destinations/try-now" | "destinations/enable"
        readonly id: string
        readonly done: string
      }
}

export interface Known {
  readonly status: Status
  readonly causes: ReadonlyArray<Cause>
  readonly refusals: ReadonlyArray<Refusal>
  readonly checks: ReadonlyArray<Check>
}

const minutes = 60_000
const hours = 60 * minutes
const days = 24 * hours

/** The share of the log's cap from which it counts as nearly full. */
const nearlyFull = 0.9

/** Late from here on, and growing: it does not come right by itself. */
const veryLate = 10 * minutes

/** Forgotten from here on: whoever pauses something for a moment needs no reminder. */
const longPaused = hours

/** What a destination that is not delivered to is kept for, where nothing else is configured. */
const keptFor = 7 * days

const names = (ids: ReadonlyArray<string>): string =>
  ids.length < 2 ? (ids[0] ?? "") : `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`

const fullLog = ({ store, intake, destinations, at }: Status): ReadonlyArray<Need> => {
  const { bytes, cap, events } = store
  if (bytes === null || cap === null || events === 0) return []
  const each = bytes / events
  const held = destinations.filter(({ pending }) => pending * each >= cap * nearlyFull)
  const worst = held.toSorted((a, b) => b.pending - a.pending)[0]
  if (worst === undefined) return []
  const left = Math.max(cap - worst.pending * each, 0)
  const until = intake.rate > 0 ? at + (left / each / intake.rate) * 1000 : null
  return [
    {
      key: "full",
      tone: "dead",
      title: until === null ? "The log is nearly full." : `The log is full at about ${since(until, at)}.`,
      href: "#/health",
      text: [`Then new requests get 503. What waits for ${names(held.map(({ id }) => id))} holds it.`],
      button: { text: "Open", href: destinationHref(worst.id) },
    },
  ]
}

const isMisconfigured = (row: Destination): boolean =>
  stateOf(row) === "failing" && row.lastOutcome === "misconfigured"

const sinceWhen = (row: Destination, now: number): string =>
  row.failingSince === null ? "" : ` since ${since(row.failingSince, now)}`

/** What a destination needs: its title begins with the name. */
const needOf = (
  { id }: Destination,
  what: string,
  tone: Tone,
  says: string,
  text: Said,
  button: Need["button"],
): Need => ({ key: `${what} ${id}`, tone, title: `${id} ${says}`, href: destinationHref(id), text, button })

const toOpen = ({ id }: Destination): Need["button"] => ({ text: "Open", href: destinationHref(id) })

const toSettings = ({ id }: Destination): Need["button"] => ({
  text: "Settings",
  href: destinationHref(id, "settings"),
})

/** "1 event waits", "5 events wait". */
const waits = ({ pending }: Destination): string =>
  `${plural(pending, "event")} wait${pending === 1 ? "s" : ""}`

const misconfigured = (row: Destination, now: number): Need =>
  needOf(
    row,
    "misconfigured",
    "dead",
    `${answers(row.lastStatus)}${sinceWhen(row, now)}: set up wrongly`,
    [`${waits(row)}. No event expires for it.`, ...nextTry(row)],
    toSettings(row),
  )

const gone = (row: Destination): Need =>
  needOf(row, "gone", "dead", "is gone: it answered 410", ["Paused; its place is kept."], toOpen(row))

const nextTry = ({ nextAt }: Destination): Said =>
  nextAt === null ? [] : [" Next try at ", { at: nextAt, text: clock(nextAt) }, "."]

const failing = (row: Destination, now: number): Need => {
  const part = row.willSend === null ? "" : `, about ${count(row.willSend)} of them are for it`
  const until =
    row.givesUpAt === null
      ? "None is lost."
      : `None is lost, and none is given up before ${day(row.givesUpAt)}.`
  return needOf(
    row,
    "failing",
    "dead",
    `${answers(row.lastStatus)}${sinceWhen(row, now)}`,
    [`${plural(row.failures, "failure")} in a row. ${waits(row)}${part}. ${until}`, ...nextTry(row)],
    { text: "Try now", does: "destinations/try-now", id: row.id, done: `Trying ${row.id} now` },
  )
}

const fallingBehind = (row: Destination, arriving: number): ReadonlyArray<Need> => {
  const growth = arriving - row.rate - row.filterRate
  if (row.lag === null || row.lag <= veryLate || growth < 1) return []
  const limit = row.limit === null ? "" : `: its limit is ${decimal(row.limit)}/s`
  return [
    needOf(
      row,
      "behind",
      "wait",
      `falls behind by ${decimal(Math.round(growth))} events/s${limit}`,
      [`It is ${span(row.lag)} late, and ${waits(row)}.`],
      toSettings(row),
    ),
  ]
}

/** What a cause says of a destination, in a title. */
const causeTitle = ({ destination, reason, names: eventNames, count: number }: Cause): string => {
  const what = eventNames.length === 1 ? eventNames[0]! : plural(number, "event")
  switch (reason) {
    case "invalid":
      return `${plural(number, "event")} ${number === 1 ? "was" : "were"} rejected on arrival`
    case "refused":
      return `${destination} refuses ${what}`
    case "too-large":
      return `${destination} finds ${what} too large`
    case "poison":
      return `${destination} breaks on ${what}`
    case "unexportable":
      return `${what} could not be made for ${destination}`
    case "expired":
      return `${plural(number, "event")} for ${destination} ${number === 1 ? "was" : "were"} given up`
  }
}

const causeNeed = (cause: Cause, now: number): Need => {
  const answered = cause.status === null ? "" : `, each answered ${cause.status}`
  const rest = cause.reason === "refused" || cause.reason === "too-large" ? " The rest passes." : ""
  const said = cause.status === null ? cause.pattern : replyText(cause.pattern)
  const address = href("dead-letters", { destination: cause.destination })
  return {
    key: `letters ${cause.destination} ${cause.reason} ${cause.status} ${cause.pattern}`,
    tone: "dead",
    title: causeTitle(cause),
    href: address,
    text: [
      `${plural(cause.count, "event")} since ${since(cause.first, now)}${answered}`,
      ...(said === "" ? [] : [": ", { code: said }]),
      `.${rest}`,
    ],
    button: { text: "Dead letters", href: address },
  }
}

const wrongKeys = ({ intake }: Status, refusals: ReadonlyArray<Refusal>): ReadonlyArray<Need> => {
  if (intake.wrongKeys < manyWrongKeys) return []
  const [most] = refusals.filter(({ status }) => status === 401).toSorted((a, b) => b.count - a.count)
  const sender = most?.sdk == null ? "" : `, most from ${most.sdk}`
  const kind = most?.keyKind == null ? "" : ` with a key that begins with ${most.keyKind}`
  return [
    {
      key: "keys",
      tone: "wait",
      title: `${plural(intake.wrongKeys, "request")} had a wrong key`,
      href: "#/health",
      text: [`In the last 15 minutes${sender}${kind}. They were answered 401, and nothing of them is kept.`],
      button: { text: "View", href: "#/health" },
    },
  ]
}

const paused = (row: Destination, now: number): ReadonlyArray<Need> => {
  if (row.disabled === null) return []
  const { at, reason } = row.disabled
  const begun = since(at, now)
  const kept = "What waits for it is kept"
  const dropped = "; after that the log may drop it."
  if (reason === "unconfigured") {
    const until = at + keptFor
    return [
      needOf(
        row,
        reason,
        "skip",
        "is not in the configuration any more",
        [`Since ${begun}. ${kept} until ${day(until)}, ${minute(until)}${dropped}`],
        toOpen(row),
      ),
    ]
  }
  if (reason !== "by-hand" || now - at <= longPaused) return []
  return [
    needOf(
      row,
      "paused",
      "skip",
      "is paused by hand",
      [
        `Since ${begun}. ${kept} for as long as it would be tried, 7 days unless its giveUpAfter says otherwise${dropped}`,
      ],
      { text: "Resume", does: "destinations/enable", id: row.id, done: `${row.id} goes on where it stood` },
    ),
  ]
}

const wrongCheck = ({ name, message }: Check): Need => ({
  key: `check ${name} ${message}`,
  tone: "dead",
  title: `A check is wrong: ${name}`,
  href: "#/health",
  text: [message],
  button: { text: "Health", href: "#/health" },
})

/** What needs somebody, the most urgent first. */
export const needsOf = ({ status, causes, refusals, checks }: Known): ReadonlyArray<Need> => {
  const { destinations, intake, at } = status
  const fresh = causes.filter(({ last, count: number, replayed }) => at - last <= hours && number > replayed)
  const late = destinations.filter((row) => ["flowing", "behind"].includes(stateOf(row)))
  return [
    ...fullLog(status),
    ...destinations.filter(isMisconfigured).map((row) => misconfigured(row, at)),
    ...destinations.filter((row) => stateOf(row) === "gone").map(gone),
    ...destinations
      .filter((row) => stateOf(row) === "failing" && !isMisconfigured(row))
      .map((row) => failing(row, at)),
    ...late.flatMap((row) => fallingBehind(row, intake.rate)),
    ...fresh.map((cause) => causeNeed(cause, at)),
    ...wrongKeys(status, refusals),
    ...destinations.flatMap((row) => paused(row, at)),
    ...checks.filter(({ level }) => level === "wrong").map(wrongCheck),
  ]
}
