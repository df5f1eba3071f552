import * as Schema from "effect/Schema"

/**
 * What an alert may be about.
 *
 * - `failing`: a destination has taken nothing for five minutes, or in ten attempts in a row.
 * - `recovered`: what another alert was about is over; its `cause` is that one's type.
 * - `disabled`: a destination gets nothing until it is enabled.
 * - `dead-letters`: events of a destination became dead letters; the first at once, the others
 * once an hour.
 * - `lag`: the oldest event that waits for a destination is older than the options allow.
 * - `store-down`: the store takes nothing.
 */
export const kinds = ["failing", "recovered", "disabled", "dead-letters", "lag", "store-down"] as const

export type AlertKind = (typeof kinds)[number]

/** One alert, as it is sent and as `onAlert` gets it. Nothing of an event is in it. */
export const Alert = Schema.Struct({
  type: Schema.Literals(kinds),
  /** The destination's id; `null` when it is about the store. */
  destination: Schema.NullOr(Schema.String),
  /** When it was found, in ISO 8601. */
  at: Schema.String,
  /** Since when it has been so, or was so until now; `null` where that means nothing. */
  since: Schema.NullOr(Schema.String),
  /** Why, without what a receiver wrote: that may be anything. */
  cause: Schema.NullOr(Schema.String),
  /** Events that wait for the destination; `null` when that is not known. */
  waiting: Schema.NullOr(Schema.Int),
  /** How many events became dead letters, where it is about them. */
  events: Schema.optionalKey(Schema.Int),
  /** All of it in a sentence. */
  text: Schema.String,
})

export type Alert = typeof Alert.Type

/** What is known of an alert before it is sent; times in ms. */
export interface Finding {
  readonly type: AlertKind
  readonly destination: string | null
  readonly since: number | null
  readonly cause: string | null
  readonly events?: number
}

const encode = Schema.encodeSync(Schema.fromJsonString(Alert))

/** The body of the request that carries it. */
export const toJson = (alert: Alert): string => encode(alert)

const iso = (time: number): string => new Date(time).toISOString()

const sentence = ({ type, destination, since, cause, events }: Finding): string => {
  const from = since === null ? "" : ` since ${iso(since)}`
  const why = cause === null ? "" : ` (${cause})`
  switch (type) {
    case "failing":
      return `${destination} fails${from}${why}`
    case "recovered":
      return `${destination ?? "the store"} is well again: ${cause}${from} is over`
    case "disabled":
      return `${destination} is disabled${why}`
    case "dead-letters":
      return `${events} events of ${destination} became dead letters${why}`
    case "lag":
      return `events wait for ${destination}${from}`
    case "store-down":
      return `the store takes no events${from}${why}`
  }
}

/**
 * @param at ms since the epoch
 * @param waiting events; `null` when the store does not tell
 */
export const make = (finding: Finding, at: number, waiting: number | null): Alert => {
  const { type, destination, since, cause, events } = finding
  const waits = waiting === null || waiting === 0 || type === "disabled" ? "" : `; ${waiting} events wait`
  return {
    type,
    destination,
    at: iso(at),
    since: since === null ? null : iso(since),
    cause,
    waiting,
    ...(events === undefined ? {} : { events }),
    text: `${sentence(finding)}${waits}`,
  }
}
