/**
 * The room of entries: what the log keeps of a request, and the events that a reader sees in it.
 *
 * What comes in from intake is a body that was found fine, and the facts of its request; what goes
 * out to the log is one `NewEntry`. Read from the log the same comes in again, and events go out:
 *
 *     body  ── cleanBody ──┐                        ┌── outline ───── SpanEvent     the usual body
 *                          ├─ encode ─ log ─ decode ┤
 *     facts ── Envelope ───┘                        └── JSON.parse ── ParsedEvent   any other
 *
 * The two kinds of event say the same, which a property holds; the first reads a field when it is
 * asked for. `bodyForms` knows where a body keeps its events and how fields are spelt;
 * `clientFields` fills in what users leave out; `envelopeNames` spares decoding what nobody wants;
 * `privateAttributes` is what must not be kept; `subject` says whose an event is, `TimeUUID` by
 * which id receivers know it, and `deadLetterEvent` how it is kept when it could not be sent.
 *
 * Intake calls `encode`, delivery and operators call `decode`. All of it is functions without
 * effects; large bodies are read in slices.
 * Words: the *envelope* is what is known of a request besides its *body*; a *dialect* is which of
 * two documented operations it called; a *form* is how the body keeps its events.
 */
import * as Result from "effect/Result"
import type { Event } from "../base/Event.ts"
import * as ExactJson from "../base/exactJson.ts"
import { isObject, type Json, type JsonObject, parse } from "../base/json.ts"
import * as Nesting from "../base/nesting.ts"
import { Slice, type Slices } from "../base/slices.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import { sourceOf } from "../bytes/ByteWriter.ts"
import * as Outline from "../bytes/bodyScanner.ts"
import { surveyInSlices } from "../bytes/bodySurvey.ts"
import { neverCostly } from "../bytes/costs.ts"
import * as EventNames from "../bytes/nameCache.ts"
import type { EntryId, NewEntry } from "../ports/EventLog.ts"
import * as Body from "./bodyForms.ts"
import { eventsOf, restOf } from "./cleanBody.ts"
import { type ClientFields, clientFieldsOf, filled } from "./clientFields.ts"
import { EntryError, type Envelope, type Facts, readEnvelope } from "./Envelope.ts"
import { type Request, readEvent } from "./ParsedEvent.ts"
import * as PrivateAttributes from "./privateAttributes.ts"
import { type Both, type Written, WrittenEvent } from "./SpanEvent.ts"
import * as Surveyed from "./surveyedBody.ts"
import { timeUUIDs } from "./TimeUUID.ts"

export { EntryError, Envelope, encode, type Facts, isEnvelope, version } from "./Envelope.ts"

const { textAt } = Surveyed

/** The events of one entry, as lanes, live view, dry run and commands all see them. */
export interface DecodedEntry {
  readonly id: EntryId
  /** ms since the epoch. */
  readonly receivedAt: number
  /** The request's; `{}` when none. */
  readonly statsigMetadata: JsonObject
  /**
   * The same with its numbers as they were written, only for writing it; none when they are what a
   * double gives back.
   */
  readonly exactStatsigMetadata?: JsonObject
  readonly events: ReadonlyArray<Event>
  /** The sender of the request; none where nobody knows any more. */
  readonly sender?: Sender
  /**
   * The event at a place as the SDK sent it, with all of its fields and its numbers as they were
   * written; none of what no SDK has sent.
   */
  readonly rawAt?: (index: number) => JsonObject | null
}

/** What the envelope tells of who sent a request. */
export interface Sender extends Pick<Envelope, "keyId" | "sdkType" | "sdkVersion" | "ip" | "relayedBy"> {}

/**
 * The ids by which receivers know an entry's events: the one an event has brought with it, or one
 * made of its entry and its place there. The same on every attempt, at every destination, and in
 * dead letters.
 */
export const eventIds = (entry: DecodedEntry): ((index: number) => string) => {
  const made = timeUUIDs(entry.id)
  return (index) => {
    const { timeUUID, time } = entry.events[index]!
    return timeUUID ?? made(time, index)
  }
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
const defaultUser = (
  user: Json | undefined,
  written: Json | undefined,
  client: ClientFields | null,
): Both | null => {
  const given = isObject(user) && isObject(written) ? { user, written } : null
  if (given === null && client === null) return null
  const read = (one: JsonObject | undefined) => filled(PrivateAttributes.without(one ?? {}), client)
  return { plain: read(given?.user), exact: read(given?.written) }
}

/** Reads events of the log_event family as they were sent, when somebody asks for the first one. */
const rawReader = ({ body }: NewEntry): ((index: number) => JsonObject | null) => {
  let spans: ReturnType<typeof eventsOf> | null = null
  return (index) => {
    spans ??= eventsOf(body, "events")
    const span = spans[index]
    const raw = span === undefined ? undefined : ExactJson.parse(textAt(body, span))
    return isObject(raw) ? raw : null
  }
}

/** Makes the part of an entry that is the same however its body is read. */
const beginningOf = (entry: NewEntry, envelope: Envelope) => ({
  id: entry.id,
  receivedAt: envelope.receivedAt,
  sender: envelope,
  ...(envelope.dialect === "log_event" ? { rawAt: rawReader(entry) } : {}),
})

/** A body whose events are read where they stand. */
const readOutlined = (entry: NewEntry, envelope: Envelope, outline: Outline.Outline): DecodedEntry => {
  const { body } = entry
  const { rest } = outline
  const { statsigMetadata, user } = Outline.restSlots
  const { receivedAt } = envelope
  const client = clientFieldsOf(envelope)
  const fields = Outline.keep(outline)
  const written: Written = {
    body: sourceOf(body),
    fields,
    receivedAt,
    correction: correctionOf(envelope),
    client,
    user: defaultUser(Outline.valueAt(body, rest, user), Outline.exactAt(body, rest, user), client),
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
    ...beginningOf(entry, envelope),
    statsigMetadata: factsOf(envelope, Outline.valueAt(body, rest, statsigMetadata)),
    ...(outline.hasOddNumbers
      ? { exactStatsigMetadata: factsOf(envelope, Outline.exactAt(body, rest, statsigMetadata)) }
      : {}),
    events: read,
  }
}

const outlineLimits = ({ events }: NewEntry): Outline.Limits => ({
  events,
  nesting: Nesting.most,
  strictly: false,
})

/** The usual body. `null` when it is another. */
const decodeOutlined = (entry: NewEntry, envelope: Envelope): DecodedEntry | null => {
  if (envelope.dialect !== "log_event") return null
  const outline = Outline.read(entry.body, outlineLimits(entry))
  if (outline === null || outline.events !== entry.events) return null
  return outline.isAscii || Utf8.isValid(entry.body) ? readOutlined(entry, envelope, outline) : null
}

/** {@link decodeOutlined} of a large body. */
function* decodeOutlinedInSlices(
  entry: NewEntry,
  envelope: Envelope,
  slice: Slice,
): Slices<DecodedEntry | null> {
  const { body } = entry
  if (body.length <= Outline.inOneGo) return decodeOutlined(entry, envelope)
  if (envelope.dialect !== "log_event") return null
  const outline = yield* Outline.readInSlices(body, outlineLimits(entry), slice)
  if (outline === null || outline.events !== entry.events) return null
  if (!(outline.isAscii || (yield* Utf8.isValidInSlices(body, slice)))) return null
  if (slice.isFull(body.length)) yield
  return readOutlined(entry, envelope, outline)
}

const damaged = (message: string): Result.Result<never, EntryError> =>
  Result.fail(new EntryError({ message }))

const otherNumber = damaged("the body holds another number of events")

/** What stands beside the events of a body that is not outlined. */
interface Beside {
  readonly user: { readonly read: Json | undefined; readonly written: Json | undefined }
  readonly statsigMetadata: { readonly read: Json | undefined; readonly written: Json | undefined }
}

const requestOf = (envelope: Envelope, form: Body.Form, beside: Beside): Request => {
  const client = clientFieldsOf(envelope)
  const user = defaultUser(beside.user.read, beside.user.written, client)
  return {
    envelope,
    form,
    correction: correctionOf(envelope),
    client,
    user,
    hasOddNumbers: user !== null && JSON.stringify(user.exact) !== ExactJson.stringify(user.exact),
  }
}

const entryOf = (
  entry: NewEntry,
  envelope: Envelope,
  { statsigMetadata }: Beside,
  events: ReadonlyArray<Event>,
): DecodedEntry => ({
  ...beginningOf(entry, envelope),
  statsigMetadata: factsOf(envelope, statsigMetadata.read),
  exactStatsigMetadata: factsOf(envelope, statsigMetadata.written),
  events,
})

/** Any body: all of it is parsed at once. */
const decodeParsed = (entry: NewEntry, envelope: Envelope): Result.Result<DecodedEntry, EntryError> => {
  const bytes = entry.body
  const json = parse(Utf8.decode(bytes).text)
  const body = json === undefined ? "" : Body.read(envelope.dialect, json)
  if (typeof body === "string") return damaged("the body is damaged")

  const places = restOf(bytes)
  const besideAt = (name: string) => {
    const read = body.rest[name]
    const place = places.get(name)
    const isThere = read !== undefined && place !== undefined
    return { read, written: isThere ? ExactJson.parse(textAt(bytes, place)) : undefined }
  }
  const beside = { user: besideAt("user"), statsigMetadata: besideAt("statsigMetadata") }
  const request = requestOf(envelope, body.form, beside)
  const spans = eventsOf(bytes, body.form)
  const events: Array<Event> = []
  for (const [index, raw] of body.events.entries()) {
    const event = readEvent(request, raw, () => textAt(bytes, spans[index]!))
    if (event === null) return damaged("an event is damaged")
    events.push(event)
  }
  return events.length === entry.events
    ? Result.succeed(entryOf(entry, envelope, beside, events))
    : otherNumber
}

/** {@link decodeParsed} of a large body, one event after the other. `null` when it cannot be. */
function* decodeSurveyed(
  entry: NewEntry,
  envelope: Envelope,
  slice: Slice,
): Slices<Result.Result<DecodedEntry, EntryError> | null> {
  const bytes = entry.body
  const survey = yield* surveyInSlices(bytes, Nesting.most, entry.events, slice)
  // What an earlier version has let in may be more than is let in now.
  if (survey.outcome !== "json" || survey.bareNumbers.length > 0 || survey.isCostly) return null
  const body = Body.read(envelope.dialect, Surveyed.standInOf(bytes, survey))
  if (typeof body === "string") return damaged("the body is damaged")
  const { items, count } = Surveyed.eventsOf(bytes, survey, body.form)
  if (count !== entry.events) return otherNumber

  const besideAt = (name: string) => {
    const read = body.rest[name]
    return { read, written: read === undefined ? undefined : Surveyed.exactAt(bytes, survey, name) }
  }
  const beside = { user: besideAt("user"), statsigMetadata: besideAt("statsigMetadata") }
  const request = requestOf(envelope, body.form, beside)
  const events: Array<Event> = []
  for (const span of items) {
    if (slice.isFull(span.to - span.from)) yield
    const event = readEvent(request, Surveyed.valueAt(bytes, span), () => textAt(bytes, span))
    if (event === null) return damaged("an event is damaged")
    events.push(event)
  }
  return Result.succeed(entryOf(entry, envelope, beside, events))
}

/** Bytes of a body up to which an entry is decoded in one go. */
export const atOnce: number = neverCostly

/**
 * {@link decode} of an entry with a large body, with a yield after a bounded amount of work.
 *
 * @param slice how much work stands between two yields
 */
export function* decodeInSlices(
  entry: NewEntry,
  slice: Slice = new Slice(),
): Slices<Result.Result<DecodedEntry, EntryError>> {
  const envelope = readEnvelope(entry.envelope)
  if (Result.isFailure(envelope)) return Result.fail(envelope.failure)
  const outlined = yield* decodeOutlinedInSlices(entry, envelope.success, slice)
  if (outlined !== null) return Result.succeed(outlined)
  return (yield* decodeSurveyed(entry, envelope.success, slice)) ?? decodeParsed(entry, envelope.success)
}

/** The one decoder of entries, chosen by the envelope's version. */
export const decode = (entry: NewEntry): Result.Result<DecodedEntry, EntryError> =>
  Result.flatMap(readEnvelope(entry.envelope), (envelope) => {
    const outlined = decodeOutlined(entry, envelope)
    return outlined === null ? decodeParsed(entry, envelope) : Result.succeed(outlined)
  })
