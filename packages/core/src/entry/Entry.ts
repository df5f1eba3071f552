import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Event } from "../base/Event.ts"
import { exact } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { idOf, isFlat, isObject, objectOrEmpty, parse } from "../base/json.ts"
import * as Nesting from "../base/nesting.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import { isTextOrNone } from "../base/validate.ts"
import { sourceOf } from "../bytes/ByteWriter.ts"
import * as Outline from "../bytes/bodyScanner.ts"
import type { Span } from "../bytes/jsonBytes.ts"
import * as EventNames from "../bytes/nameCache.ts"
import type { EntryId, NewEntry } from "../ports/EventLog.ts"
import * as Body from "./bodyForms.ts"
import { eventsOf, restOf } from "./cleanBody.ts"
import * as PrivateAttributes from "./privateAttributes.ts"
import { type Both, type Written, WrittenEvent } from "./SpanEvent.ts"
import { timeUUIDs } from "./TimeUUID.ts"

/** The events of one entry, as lanes, live view, dry run and commands all see them. */
export interface DecodedEntry {
  readonly id: EntryId
  /** ms since the epoch. */
  readonly receivedAt: number
  /** The request's; `{}` when none. */
  readonly statsigMetadata: JsonObject
  /** The same with its numbers as they were written, only for writing it; none when they are what a double gives back. */
  readonly exactStatsigMetadata?: JsonObject
  readonly events: ReadonlyArray<Event>
}

/**
 * The ids by which receivers know an entry's events: the one an event has brought with it, or one made of its entry and its place there. The same on
 * every attempt, at every destination, and in dead letters.
 */
export const eventIds = (entry: DecodedEntry): ((index: number) => string) => {
  const made = timeUUIDs(entry.id)
  return (index) => {
    const { timeUUID, time } = entry.events[index]!
    return timeUUID ?? made(time, index)
  }
}

/** The envelope is of a version this program does not know, or the bytes are not what was written. */
export class EntryError extends Data.TaggedError("EntryError")<{ readonly message: string }> {}

/** The present version of {@link Envelope}. A later one gets a decoder of its own beside this one's. */
export const version = 1

/** What is known of a request besides its body. Facts that are not there are left out, to keep it short. */
export const Envelope = Schema.Struct({
  v: Schema.Literal(version),
  /** ms since the epoch. */
  receivedAt: Schema.Finite,
  /** Receive time minus the sender's clock, in ms, as measured; none when the sender did not tell. */
  offset: Schema.optionalKey(Schema.Finite),
  /** The unit of the sender's clock; there when an event's time is in another than ms. */
  clock: Schema.optionalKey(Schema.Literals([...Time.units, "none"])),
  dialect: Schema.Literals(["log_event", "event_webhook"]),
  mode: Schema.Literals(["strict", "lenient"]),
  keyId: Schema.optionalKey(Schema.String),
  sdkType: Schema.optionalKey(Schema.String),
  sdkVersion: Schema.optionalKey(Schema.String),
  sessionID: Schema.optionalKey(Schema.String),
  /** Places in the request of the events that were refused, and so are not in the body. */
  rejected: Schema.optionalKey(Schema.Array(Schema.Number)),
  /** The different names among the events, the last of the facts; none when they are many. Who wants none of them need not look at the body. */
  names: Schema.optionalKey(Schema.Array(Schema.String)),
})

export type Envelope = typeof Envelope.Type

/** What an envelope is made of. What is not known may be `null`, too. */
export type Facts = Pick<Envelope, "receivedAt" | "dialect" | "mode"> & {
  readonly [Fact in Exclude<keyof Envelope, "v" | "receivedAt" | "dialect" | "mode">]?:
    | Envelope[Fact]
    | null
    | undefined
}

const known = (name: keyof Envelope, fact: string | ReadonlyArray<unknown> | null | undefined): string =>
  fact === null || fact === undefined ? "" : `,"${name}":${JSON.stringify(fact)}`

/** Written piece by piece: to make an object for it and have that written takes three times as long. */
const writeEnvelope = (facts: Facts): string => {
  const { receivedAt, offset, clock, dialect, mode, keyId } = facts
  const { sdkType, sdkVersion, sessionID, rejected, names } = facts
  const times = `{"v":${version},"receivedAt":${receivedAt}${typeof offset === "number" ? `,"offset":${offset}` : ""}${known("clock", clock)}`
  const kind = `,"dialect":"${dialect}","mode":"${mode}"${known("keyId", keyId)}`
  const sdk = `${known("sdkType", sdkType)}${known("sdkVersion", sdkVersion)}${known("sessionID", sessionID)}`
  return `${times}${kind}${sdk}${known("rejected", rejected)}${known("names", names)}}`
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

/** What {@link Envelope} accepts, of JSON. Every entry asks, and its Schema takes ten times as long to say. */
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
  isListOrNone(json["rejected"], "number") &&
  isListOrNone(json["names"], "string")

const readEnvelope = (text: string): Result.Result<Envelope, EntryError> => {
  const json = parse(text)
  if (!isObject(json)) return Result.fail(new EntryError({ message: "the envelope is not JSON" }))
  if (json["v"] !== version) {
    return Result.fail(new EntryError({ message: "the envelope is of an unknown version" }))
  }
  return isEnvelope(json)
    ? Result.succeed(json)
    : Result.fail(new EntryError({ message: "the envelope is damaged" }))
}

interface Request {
  readonly envelope: Envelope
  readonly form: Body.Form
  readonly correction: Time.Correction
  /** The default for events without a user of their own. */
  readonly user: Both | null
  /** Whether the user has a number that a double does not give back as it is written. */
  readonly hasOddNumbers: boolean
}

/** @param shared the default for an event without a user of its own */
const readUser = ({ envelope }: Request, raw: JsonObject, shared: JsonObject): JsonObject => {
  const own = raw["user"]
  const user = own === undefined || own === null ? shared : PrivateAttributes.without(objectOrEmpty(own))
  if (envelope.dialect === "log_event") return user
  // Exported events carry the id beside the user as well.
  const id = raw["userID"]
  const isMissing = user["userID"] === undefined || user["userID"] === null
  return isMissing && isFlat(id) && idOf(id) !== "" ? { ...user, userID: id } : user
}

/** `1e999` is a number of JSON, and infinite. */
const readValue = (json: Json | undefined): Event["value"] =>
  isFlat(json) && json !== Number.POSITIVE_INFINITY && json !== Number.NEGATIVE_INFINITY ? json : null

/** Where an event stands in the text of a body. */
type Text = () => string

/** An event of any body: its fields are made of what `JSON.parse` has read. */
class ParsedEvent implements Event {
  readonly eventName: string
  readonly time: number
  readonly user: JsonObject
  readonly value: Event["value"]
  readonly metadata: JsonObject
  readonly statsigMetadata: JsonObject
  readonly timeUUID: string | undefined
  private readonly request: Request
  private readonly text: Text

  constructor(eventName: string, time: number, raw: JsonObject, request: Request, text: Text) {
    this.eventName = eventName
    this.time = time
    this.request = request
    this.text = text
    this.user = readUser(request, raw, request.user?.plain ?? {})
    this.value = readValue(raw["value"])
    this.metadata = objectOrEmpty(raw["metadata"])
    this.statsigMetadata = objectOrEmpty(raw["statsigMetadata"])
    this.timeUUID = Body.timeUUIDOf(request.form, raw)
  }

  get [exact](): Event {
    const text = this.text()
    if (!this.request.hasOddNumbers && !ExactJson.mayHaveOddNumbers(text)) return this
    const raw = ExactJson.parse(text) as JsonObject
    return {
      eventName: this.eventName,
      time: this.time,
      user: readUser(this.request, raw, this.request.user?.exact ?? {}),
      value: readValue(raw["value"]),
      metadata: objectOrEmpty(raw["metadata"]),
      statsigMetadata: objectOrEmpty(raw["statsigMetadata"]),
      timeUUID: this.timeUUID,
    }
  }
}

/** `null` when it is none, which intake never lets in. */
const readEvent = (request: Request, raw: Json, text: Text): Event | null => {
  if (!isObject(raw)) return null
  const { envelope, form } = request
  const eventName = raw[Body.nameKey(envelope.dialect, form, raw)]
  if (typeof eventName !== "string") return null
  const sent = Body.timeOf(envelope.dialect, form, raw, envelope.mode)
  const isTimed = sent !== undefined && sent !== null
  // One that was exported is in ms, whatever other times of the request are in.
  const correction =
    Body.timeUUIDOf(form, raw) === undefined ? request.correction : { ...request.correction, clock: null }
  const time = isTimed ? Time.readCorrected(sent, correction) : envelope.receivedAt
  return time === null ? null : new ParsedEvent(eventName, time, raw, request, text)
}

/** What headers and query tell of the SDK; it stands for a `statsigMetadata` that is not there. */
export const sdkFacts = ({
  sdkType,
  sdkVersion,
  sessionID,
}: Pick<Facts, "sdkType" | "sdkVersion" | "sessionID">): JsonObject => ({
  ...(typeof sdkType === "string" ? { sdkType } : {}),
  ...(typeof sdkVersion === "string" ? { sdkVersion } : {}),
  ...(typeof sessionID === "string" ? { sessionID } : {}),
})

/** What stands beside the events. */
const factsOf = (envelope: Envelope, statsigMetadata: Json | undefined): JsonObject =>
  isObject(statsigMetadata) ? statsigMetadata : sdkFacts(envelope)

const correctionOf = ({ receivedAt, offset, clock }: Envelope): Time.Correction =>
  Time.correctionOf({ receivedAt, offset, clock })

/** @param written the same with its numbers as they were written */
const defaultUser = (user: Json | undefined, written: Json | undefined): Both | null =>
  isObject(user) && isObject(written)
    ? { plain: PrivateAttributes.without(user), exact: PrivateAttributes.without(written) }
    : null

/** The usual body, whose events are read where they stand. `null` when it is another. */
const decodeOutlined = ({ id, body, events }: NewEntry, envelope: Envelope): DecodedEntry | null => {
  if (envelope.dialect !== "log_event") return null
  const outline = Outline.read(body, { events, nesting: Nesting.most, strictly: false })
  if (outline === null || outline.events !== events) return null
  if (!(outline.isAscii || Utf8.isValid(body))) return null
  const { rest } = outline
  const { statsigMetadata, user } = Outline.restSlots
  const { receivedAt } = envelope
  const fields = Outline.keep(outline)
  const written: Written = {
    body: sourceOf(body),
    fields,
    receivedAt,
    correction: correctionOf(envelope),
    user: defaultUser(Outline.valueAt(body, rest, user), Outline.exactAt(body, rest, user)),
    hasOddNumbers: outline.hasOddNumbers,
  }
  const read: Array<Event> = []
  for (let base = 0; base < fields.length; base += Outline.keptStride) {
    const name = base + Outline.slots.eventName
    read.push(
      new WrittenEvent(written, base, EventNames.read(body, fields[name]! + 1, fields[name + 1]! - 1)),
    )
  }
  return {
    id,
    receivedAt,
    statsigMetadata: factsOf(envelope, Outline.valueAt(body, rest, statsigMetadata)),
    ...(outline.hasOddNumbers
      ? { exactStatsigMetadata: factsOf(envelope, Outline.exactAt(body, rest, statsigMetadata)) }
      : {}),
    events: read,
  }
}

/** Any body. */
const decodeParsed = (entry: NewEntry, envelope: Envelope): Result.Result<DecodedEntry, EntryError> => {
  const bytes = entry.body
  const json = parse(Utf8.decode(bytes).text)
  const body = json === undefined ? "" : Body.read(envelope.dialect, json)
  if (typeof body === "string") return Result.fail(new EntryError({ message: "the body is damaged" }))

  const textOf = ({ from, to }: Span): string => Utf8.decode(bytes.subarray(from, to)).text
  const places = restOf(bytes)
  const written = (name: string): Json | undefined => {
    const place = places.get(name)
    return body.rest[name] === undefined || place === undefined ? undefined : ExactJson.parse(textOf(place))
  }
  const user = defaultUser(body.rest["user"], written("user"))
  const request: Request = {
    envelope,
    form: body.form,
    correction: correctionOf(envelope),
    user,
    hasOddNumbers: user !== null && JSON.stringify(user.exact) !== ExactJson.stringify(user.exact),
  }
  const spans = eventsOf(bytes, body.form)
  const events: Array<Event> = []
  for (const [index, raw] of body.events.entries()) {
    const event = readEvent(request, raw, () => textOf(spans[index]!))
    if (event === null) return Result.fail(new EntryError({ message: "an event is damaged" }))
    events.push(event)
  }
  if (events.length !== entry.events) {
    return Result.fail(new EntryError({ message: "the body holds another number of events" }))
  }
  return Result.succeed({
    id: entry.id,
    receivedAt: envelope.receivedAt,
    statsigMetadata: factsOf(envelope, body.rest["statsigMetadata"]),
    exactStatsigMetadata: factsOf(envelope, written("statsigMetadata")),
    events,
  })
}

/** The one decoder of entries, chosen by the envelope's version. */
export const decode = (entry: NewEntry): Result.Result<DecodedEntry, EntryError> =>
  Result.flatMap(readEnvelope(entry.envelope), (envelope) => {
    const outlined = decodeOutlined(entry, envelope)
    return outlined === null ? decodeParsed(entry, envelope) : Result.succeed(outlined)
  })
