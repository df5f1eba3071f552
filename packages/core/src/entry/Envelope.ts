import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isObject, type Json, type JsonObject, parse } from "../base/json.ts"
import * as Time from "../base/time.ts"
import { isTextOrNone } from "../base/validate.ts"
import type { EntryId, NewEntry } from "../ports/EventLog.ts"

/**
 * The envelope is of a version this program does not know, or the bytes are not what was written.
 */
export class EntryError extends Data.TaggedError("EntryError")<{ readonly message: string }> {}

/**
 * The present version of {@link Envelope}. A later one gets a decoder of its own beside this one's.
 */
export const version = 1

/**
 * What is known of a request besides its body. Facts that are not there are left out, to keep it
 * short.
 */
export const Envelope = Schema.Struct({
  v: Schema.Literal(version),
  /** ms since the epoch. */
  receivedAt: Schema.Finite,
  /**
   * Receive time minus the sender's clock, in ms, as measured; none when the sender did not tell.
   */
  offset: Schema.optionalKey(Schema.Finite),
  /** The unit of the sender's clock; there when an event's time is in another than ms. */
  clock: Schema.optionalKey(Schema.Literals([...Time.units, "none"])),
  dialect: Schema.Literals(["log_event", "event_webhook"]),
  mode: Schema.Literals(["strict", "lenient"]),
  keyId: Schema.optionalKey(Schema.String),
  sdkType: Schema.optionalKey(Schema.String),
  sdkVersion: Schema.optionalKey(Schema.String),
  sessionID: Schema.optionalKey(Schema.String),
  /**
   * The client's address as intake was told to keep it: whole, the network it is in, or its hash.
   */
  ip: Schema.optionalKey(Schema.String),
  userAgent: Schema.optionalKey(Schema.String),
  /** Where the address is, as somebody's function has said. */
  country: Schema.optionalKey(Schema.String),
  /** The processes that have relayed the request before, as their header had it. */
  relayedBy: Schema.optionalKey(Schema.String),
  /** Places in the request of the events that were refused, and so are not in the body. */
  rejected: Schema.optionalKey(Schema.Array(Schema.Number)),
  /**
   * The different names among the events, the last of the facts; none when they are many. A reader
   * that wants none of them need not look at the body.
   */
  names: Schema.optionalKey(Schema.Array(Schema.String)),
})

export type Envelope = typeof Envelope.Type

/** What is known of the client that has sent a request, besides what its SDK says. */
export type ClientFacts = Pick<Envelope, "ip" | "userAgent" | "country">

/** What an envelope is made of. What is not known may be `null`, too. */
export type Facts = Pick<Envelope, "receivedAt" | "dialect" | "mode"> & {
  readonly [Fact in Exclude<keyof Envelope, "v" | "receivedAt" | "dialect" | "mode">]?:
    | Envelope[Fact]
    | null
    | undefined
}

const known = (name: keyof Envelope, fact: string | ReadonlyArray<unknown> | null | undefined): string =>
  fact === null || fact === undefined ? "" : `,"${name}":${JSON.stringify(fact)}`

/**
 * Written piece by piece: to make an object for it and have that written takes three times as long.
 */
const writeEnvelope = (facts: Facts): string => {
  const { receivedAt, offset, clock, dialect, mode, keyId } = facts
  const { sdkType, sdkVersion, sessionID, ip, userAgent, country, relayedBy, rejected, names } = facts
  const times = `{"v":${version},"receivedAt":${receivedAt}${typeof offset === "number" ? `,"offset":${offset}` : ""}${known("clock", clock)}`
  const kind = `,"dialect":"${dialect}","mode":"${mode}"${known("keyId", keyId)}`
  const sdk = `${known("sdkType", sdkType)}${known("sdkVersion", sdkVersion)}${known("sessionID", sessionID)}`
  const client = `${known("ip", ip)}${known("userAgent", userAgent)}${known("country", country)}`
  const rest = `${known("relayedBy", relayedBy)}${known("rejected", rejected)}${known("names", names)}`
  return `${times}${kind}${sdk}${client}${rest}}`
}

export const encode = (id: EntryId, events: number, facts: Facts, body: Uint8Array): NewEntry => ({
  id,
  events,
  envelope: writeEnvelope(facts),
  body,
})

const isNumberOrNone = (json: Json | undefined): boolean => json === undefined || Number.isFinite(json)

const isClockOrNone = (json: Json | undefined): boolean =>
  json === undefined || json === "none" || Time.units.some((unit) => unit === json)

const isListOrNone = (json: Json | undefined, type: "number" | "string"): boolean =>
  json === undefined || (Array.isArray(json) && json.every((item) => typeof item === type))

/**
 * What {@link Envelope} accepts, of JSON. Every entry asks, and its Schema takes ten times as long
 * to say.
 */
export const isEnvelope = (json: Json): json is Envelope & JsonObject =>
  isObject(json) &&
  json["v"] === version &&
  Number.isFinite(json["receivedAt"]) &&
  isNumberOrNone(json["offset"]) &&
  isClockOrNone(json["clock"]) &&
  (json["dialect"] === "log_event" || json["dialect"] === "event_webhook") &&
  (json["mode"] === "strict" || json["mode"] === "lenient") &&
  isTextOrNone(json["keyId"]) &&
  isTextOrNone(json["sdkType"]) &&
  isTextOrNone(json["sdkVersion"]) &&
  isTextOrNone(json["sessionID"]) &&
  isTextOrNone(json["ip"]) &&
  isTextOrNone(json["userAgent"]) &&
  isTextOrNone(json["country"]) &&
  isTextOrNone(json["relayedBy"]) &&
  isListOrNone(json["rejected"], "number") &&
  isListOrNone(json["names"], "string")

export const readEnvelope = (text: string): Result.Result<Envelope, EntryError> => {
  const json = parse(text)
  if (!isObject(json)) return Result.fail(new EntryError({ message: "the envelope is not JSON" }))
  if (json["v"] !== version) {
    return Result.fail(new EntryError({ message: "the envelope is of an unknown version" }))
  }
  return isEnvelope(json)
    ? Result.succeed(json)
    : Result.fail(new EntryError({ message: "the envelope is damaged" }))
}
