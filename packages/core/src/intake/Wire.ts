import * as Result from "effect/Result"
import * as ExactJson from "../base/exactJson.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { isObject, objectOrEmpty, parse } from "../base/json.ts"
import * as Nesting from "../base/nesting.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import * as Validate from "../base/validate.ts"
import * as Outline from "../bytes/bodyScanner.ts"
import { openBrace } from "../bytes/jsonBytes.ts"
import * as EventNames from "../bytes/nameCache.ts"
import * as NotJson from "../bytes/notJson.ts"
import * as BodyScan from "../bytes/parseCost.ts"
import type { Dialect } from "../entry/bodyForms.ts"
import * as Body from "../entry/bodyForms.ts"
import * as CleanBody from "../entry/cleanBody.ts"
import * as Entry from "../entry/Entry.ts"
import * as EntryNames from "../entry/envelopeNames.ts"
import * as PrivateAttributes from "../entry/privateAttributes.ts"
import * as Sample from "../entry/subject.ts"
import type { EntryId, NewEntry } from "../ports/EventLog.ts"
import * as SharedFacts from "./sharedFacts.ts"

export type { Dialect }

/** `auto`: the tolerance of `LenientEvent` for requests that show an SDK and for exported events, the OpenAPI document for all others. */
export type Validation = "auto" | "strict" | "lenient"

/** What the decoder needs to know of a request, besides its body. */
export interface WireHead {
  readonly dialect: Dialect
  readonly validation: Validation
  /** ms since the epoch. */
  readonly receivedAt: number
  /** `STATSIG-CLIENT-TIME` as it came. */
  readonly clientTimeHeader: string | null
  /** `?t=` as it came. */
  readonly clientTimeQuery: string | null
  /** Header, else query (`st`, `sv`, `sid`). */
  readonly sdkType: string | null
  readonly sdkVersion: string | null
  readonly sessionID: string | null
  /** Names the key without giving it away. */
  readonly keyId: string | null
}

/** One event that was refused on arrival, fit to be kept: no private attribute, cut at 8 KiB. */
export interface RejectedEvent {
  /** Its place in the request. */
  readonly index: number
  /** Path and reason, never a value: `events[3].user.userID: expected a string`. */
  readonly message: string
  readonly eventName: string
  readonly event: string
}

export interface Accepted {
  /** `null` when no event was accepted (an empty `events`, or all rejected in lenient mode): nothing to append. */
  readonly entry: NewEntry | null
  /** The first {@link mostDescribed} of those that were refused. */
  readonly rejected: ReadonlyArray<RejectedEvent>
  /** How many were refused, described or not. */
  readonly rejectedCount: number
  /** The accepted events' names, one an event. */
  readonly eventNames: ReadonlyArray<string>
  /** Whose the first accepted event is, as well as can be told; `""` when it cannot. */
  readonly subject: () => string
}

/** The whole request is refused; nothing of it is kept. */
export interface Refused {
  readonly status: 400 | 413
  readonly message: string
  /** How many events it held, where that could be read: they are counted as rejected. */
  readonly events: number
}

export interface WireLimits {
  /** 10 MB: Statsig's documented request limit (docs, server-core). Applied before and after decompression. */
  readonly bodyBytes: number
  /** Server core sends 2,000 by default; five times that leaves room. */
  readonly events: number
  /** Deeper than any SDK sends, and shallow enough for every recursive reader behind us. At most {@link maxNesting}. */
  readonly nesting: number
  /**
   * 32 MiB: what a request's events may come to when they are sent, with the facts of the request in each of them. Three of the largest bodies; far more
   * than a batch of any SDK, and what one request may cost each destination.
   */
  readonly sentBytes: number
}

/**
 * How many refused events of a request are described in its reply and kept as dead letters; the rest are counted. A sender needs to see what is wrong, not a
 * megabyte of it, and a small body of ten thousand zeros must not cost ten thousand descriptions.
 */
export const mostDescribed = 100

/** A limit over this counts as this: far from where recursive readers, `JSON.stringify` among them, run out of stack. */
export const maxNesting: number = Nesting.most

/** The tolerance a request gets in the end. */
type Mode = "strict" | "lenient"

/** Above it, a body that is nothing but brackets, or has too many events, is found before it costs a parse and its memory. */
const scanAbove = 256 * 1024

/** Names are the sender's to choose: a rejected event shows the beginning of its own. */
const maxNameBytes = 256

const maxRejectedBytes = 8 * 1024

const refused = (message: string, events = 0): Refused => ({ status: 400, message, events })

const tooMuch = (message: string, events = 0): Refused => ({ status: 413, message, events })

/** A body that could be read, whatever its events are worth. */
interface Opened {
  /** As they came, but for bare numbers. */
  readonly bytes: Uint8Array
  /** Where the first of its bare numbers stood, which are none in what was read; `null` when it had none. */
  readonly bareNumberAt: number | null
  readonly text: string
  readonly isUtf8: boolean
  readonly json: Json
  readonly body: Body.Body
}

const tooMany = (limits: WireLimits, events: number): Refused =>
  tooMuch(`events: more than ${limits.events} events`, events)

const notJson = (at: number): string => `body: not JSON from byte ${at} on`

/** What a body says, or what is wrong with it. One with bare numbers is read, since only what it says tells whether it is an SDK's. */
const readJson = (bytes: Uint8Array): Result.Result<Omit<Opened, "body">, string> => {
  const { text, isUtf8 } = Utf8.decode(bytes)
  const json = parse(text)
  if (json !== undefined) return Result.succeed({ bytes, bareNumberAt: null, text, isUtf8, json })
  const why = NotJson.read(bytes)
  const [first] = why.bareNumbers
  if (why.at !== null || first === undefined) {
    return Result.fail(first === undefined ? "body: not JSON" : notJson(first.from))
  }
  const without = readJson(NotJson.withoutBareNumbers(bytes, why))
  return Result.map(without, (read) => ({ ...read, bareNumberAt: first.from }))
}

const open = (dialect: Dialect, bytes: Uint8Array, limits: WireLimits): Result.Result<Opened, Refused> => {
  if (bytes.length > limits.bodyBytes) {
    return Result.fail(tooMuch(`body: larger than ${limits.bodyBytes} bytes`))
  }
  const nesting = Math.min(limits.nesting, maxNesting)
  const tooDeep = `body: nested deeper than ${nesting}`
  const isScanned = bytes.length > scanAbove
  const scanned = isScanned ? BodyScan.scan(bytes, nesting) : BodyScan.nothing
  if (scanned.isDeeper) return Result.fail(refused(tooDeep))
  if (scanned.events > limits.events) return Result.fail(tooMany(limits, scanned.events))
  const tooCostly = BodyScan.problemOf(scanned)
  if (tooCostly !== null) return Result.fail(tooMuch(tooCostly, scanned.events))
  const whole = readJson(bytes)
  if (Result.isFailure(whole)) return Result.fail(refused(whole.failure))
  const { json } = whole.success
  const body = Body.read(dialect, json)
  if (typeof body === "string") return Result.fail(refused(body))
  const events = body.events.length
  if (events > limits.events) {
    return Result.fail(tooMany(limits, events))
  }
  if (!isScanned && Nesting.isDeeper(json, nesting)) return Result.fail(refused(tooDeep, events))
  return Result.succeed({ ...whole.success, body })
}

const isNonEmpty = (value: Json | undefined): boolean => typeof value === "string" && value !== ""

/** Whether a request says that an SDK has made it, in its head or in its body. */
export const showsSdk = (
  head: Pick<WireHead, "sdkType">,
  statsigMetadata: () => Json | undefined,
): boolean => {
  if (isNonEmpty(head.sdkType)) return true
  const metadata = statsigMetadata()
  return isObject(metadata) && isNonEmpty(metadata["sdkType"])
}

const modeOf = (head: WireHead, form: Body.Form, statsigMetadata: () => Json | undefined): Mode => {
  if (head.validation !== "auto") return head.validation
  // No document gives types for the single form, and no-code tools send nulls and texts that nobody can change.
  return form !== "events" || showsSdk(head, statsigMetadata) ? "lenient" : "strict"
}

const missingClientTime =
  'STATSIG-CLIENT-TIME: missing header (the option `validation: "lenient"` takes requests without it)'

/** What breaks the OpenAPI document in a request besides its events; `null` when nothing does. */
const requestProblem = (head: WireHead, statsigMetadata: Json | undefined): string | null => {
  const clientTime = head.clientTimeHeader
  if (clientTime === null || clientTime === "") {
    if (head.dialect === "log_event") return missingClientTime
  } else if (!Time.isInteger(clientTime)) {
    return "STATSIG-CLIENT-TIME: expected an integer"
  }
  if (head.dialect !== "log_event" || statsigMetadata === undefined) return null
  const problem = Validate.statsigMetadataProblem(statsigMetadata)
  return problem === null ? null : Validate.messageOf("statsigMetadata", problem)
}

/** What the sender's clock says, in whatever unit; `null` when no readable clock came with the request. */
const clientTimeOf = (head: WireHead, clientTimeOfBody: () => Json | undefined): number | null =>
  Time.readClientTime(head.clientTimeHeader) ??
  (head.dialect === "log_event"
    ? (Time.readClientTime(head.clientTimeQuery) ?? Time.readClientTime(clientTimeOfBody()))
    : null)

const checkOf = (mode: Mode, form: Body.Form): Validate.Check => {
  if (mode === "lenient") return Validate.lenientEvent
  return form === "single" ? Validate.strictSingleEvent : Validate.strictEvent
}

const reject = (dialect: Dialect, form: Body.Form, mode: Mode, index: number, event: Json): RejectedEvent => {
  const fields = Body.fieldsOf(dialect, form, event, mode)
  const problem = checkOf(mode, form).problem(fields)
  const eventName = isObject(fields) ? fields["eventName"] : undefined
  return {
    index,
    message: Validate.messageOf(Body.pathOf(form, index), {
      reason: problem?.reason ?? "invalid",
      path: (problem?.path ?? []).map((key, depth) =>
        depth === 0 && isObject(event) ? Body.spellingOf(dialect, form, event, key) : key,
      ),
    }),
    eventName:
      typeof eventName === "string" ? PrivateAttributes.redactText(Utf8.cut(eventName, maxNameBytes)) : "",
    event: PrivateAttributes.redactedJson(event, maxRejectedBytes),
  }
}

/** The body to keep: what must not be kept is cut out of it, and the rest stays as it came. */
const keep = ({ bytes, text, isUtf8, body }: Opened, without: ReadonlyArray<number>): Uint8Array =>
  CleanBody.clean(isUtf8 ? bytes : Utf8.encode(text), { form: body.form, without })

const subjectOf = (event: Json | undefined, rest: JsonObject): string => {
  const { user, userID, statsigMetadata } = objectOrEmpty(event)
  const known = objectOrEmpty(user ?? rest["user"])
  // Exported events carry the id beside the user as well.
  const identified = userID === undefined || Object.hasOwn(known, "userID") ? known : { ...known, userID }
  return Sample.subjectOf(identified, objectOrEmpty(statsigMetadata), objectOrEmpty(rest["statsigMetadata"]))
}

/** What a request comes to, however that was found out. */
interface Sorted {
  readonly mode: Mode
  readonly clock: Time.Judged
  readonly eventNames: ReadonlyArray<string>
  /** The places of those that were refused. */
  readonly refusedAt: ReadonlyArray<number>
  /** The first of them. */
  readonly rejected: ReadonlyArray<RejectedEvent>
  /** What is kept; asked for only when there is something to keep. */
  readonly body: () => Uint8Array
  readonly subject: () => string
}

/** {@link SharedFacts.SharedFacts.statsigMetadata} of a request whose body has none. */
const sdkFactsSize = ({ sdkType, sdkVersion, sessionID }: WireHead): number =>
  SharedFacts.sizeOf(Entry.sdkFacts({ sdkType, sdkVersion, sessionID }), Number.POSITIVE_INFINITY)

/** The request's user and `statsigMetadata` with their numbers as they are written, which is how they are sent. */
const writtenFacts = (
  bytes: Uint8Array,
  { user, statsigMetadata }: JsonObject,
): ReadonlyArray<Json | undefined> => {
  if (user === undefined && statsigMetadata === undefined) return []
  const places = CleanBody.restOf(bytes)
  return [["user", user] as const, ["statsigMetadata", statsigMetadata] as const].map(([name, read]) => {
    const { from, to } = places.get(name) ?? { from: 0, to: 0 }
    // Only a long number makes it longer than what was read of it, but for white space and escapes.
    return to - from <= SharedFacts.sizeOf(read, SharedFacts.maxFactBytes)
      ? read
      : ExactJson.parse(Utf8.decode(bytes.subarray(from, to)).text)
  })
}

/** What is too much of the facts that a request's events share; `null` when nothing is. */
const sharedProblem = (
  head: WireHead,
  bytes: Uint8Array,
  { events, rest }: Body.Body,
  limits: WireLimits,
): string | null => {
  const [user, statsigMetadata] = writtenFacts(bytes, rest)
  const metadataSize = SharedFacts.sizeOf(statsigMetadata, SharedFacts.maxFactBytes)
  const userSize = SharedFacts.sizeOf(user, SharedFacts.maxFactBytes)
  for (const [name, size] of Object.entries({ statsigMetadata: metadataSize, user: userSize })) {
    if (size > SharedFacts.maxFactBytes) return `${name}: larger than ${SharedFacts.maxFactBytes} bytes`
  }
  const isUserless = (event: Json): boolean =>
    isObject(event) && (event["user"] === undefined || event["user"] === null)
  const shared = {
    events: events.length,
    statsigMetadata: isObject(statsigMetadata) ? metadataSize : sdkFactsSize(head),
    withoutUser: user === undefined ? 0 : events.filter(isUserless).length,
    user: SharedFacts.userSize(user),
  }
  return SharedFacts.problemOf(shared, bytes.length, limits.sentBytes)
}

/** At least as much as {@link sdkFactsSize}: every unit of a text takes 6 bytes at most, as an escape. */
const roughSize = (...facts: ReadonlyArray<string | null>): number => {
  let size = 2
  for (const fact of facts) if (fact !== null) size += '"sdkVersion":"",'.length + fact.length * 6
  return size
}

/**
 * Whether the facts that all events share may be too much. It says so too readily, by what was written rather than by what it means; then
 * {@link sharedProblem} decides.
 */
const asksForMuch = (
  head: WireHead,
  bytes: Uint8Array,
  { events, fields, rest }: Outline.Outline,
  limits: WireLimits,
): boolean => {
  const { statsigMetadata, user } = Outline.restSlots
  const metadataSize = rest[statsigMetadata + 1]! - rest[statsigMetadata]!
  const userSize = rest[user + 1]! - rest[user]!
  if (Math.max(metadataSize, userSize) > SharedFacts.maxFactBytes) return true
  let withoutUser = 0
  if (userSize > 0) {
    for (let event = 0, at: number = Outline.slots.user; event < events; event++, at += Outline.stride) {
      if (bytes[fields[at]!] !== openBrace || fields[at] === 0) withoutUser += 1
    }
  }
  const isObjectThere = metadataSize > 0 && bytes[rest[statsigMetadata]!] === openBrace
  const { sdkType, sdkVersion, sessionID } = head
  const shared = {
    events,
    statsigMetadata: isObjectThere ? metadataSize : roughSize(sdkType, sdkVersion, sessionID),
    withoutUser,
    user: userSize * 2,
  }
  return SharedFacts.problemOf(shared, bytes.length, limits.sentBytes) !== null
}

/** Looks at the events' times only where they may say more than the usual. */
const outlinedClock = (
  { receivedAt }: WireHead,
  clientTime: number | null,
  bytes: Uint8Array,
  { events, fields, areTimesUsual }: Outline.Outline,
): Time.Judged => {
  const times: Array<Json | undefined> = []
  if (!areTimesUsual || !Time.isUsualClientTime(clientTime, receivedAt)) {
    for (let event = 0; event < events; event++) {
      times.push(Outline.valueAt(bytes, fields, event * Outline.stride + Outline.slots.time))
    }
  }
  return Time.judge(clientTime, receivedAt, times)
}

/** The usual request: every event is fine, and all of it is kept as it came. `null` when it is another. */
const sortOutlined = (head: WireHead, bytes: Uint8Array, limits: WireLimits): Sorted | null => {
  if (head.dialect !== "log_event" || bytes.length > limits.bodyBytes) return null
  const outline = Outline.read(bytes, {
    events: limits.events,
    nesting: Math.min(limits.nesting, maxNesting),
    strictly: head.validation === "strict" || (head.validation === "auto" && !isNonEmpty(head.sdkType)),
  })
  if (outline === null || !(outline.isAscii || Utf8.isValid(bytes))) return null
  const { fields, rest } = outline
  const { clientTime, firstEvent, statsigMetadata, user } = Outline.restSlots
  const valueAt = (slot: number): Json | undefined => Outline.valueAt(bytes, rest, slot)
  const mode = modeOf(head, "events", () => valueAt(statsigMetadata))
  const isFine =
    mode === "lenient" || (outline.isStrict && requestProblem(head, valueAt(statsigMetadata)) === null)
  if (!isFine || asksForMuch(head, bytes, outline, limits)) return null
  const eventNames: Array<string> = []
  for (let at: number = Outline.slots.eventName; eventNames.length < outline.events; at += Outline.stride) {
    eventNames.push(EventNames.read(bytes, fields[at]! + 1, fields[at + 1]! - 1))
  }
  return {
    mode,
    clock: outlinedClock(
      head,
      clientTimeOf(head, () => valueAt(clientTime)),
      bytes,
      outline,
    ),
    eventNames,
    refusedAt: [],
    rejected: [],
    body: () => bytes,
    subject: () =>
      subjectOf(valueAt(firstEvent), {
        user: valueAt(user) ?? null,
        statsigMetadata: valueAt(statsigMetadata) ?? null,
      }),
  }
}

/** What breaks the OpenAPI document, or JSON, besides the events; `null` when nothing does. */
const strictProblem = (head: WireHead, { isUtf8, bareNumberAt, body }: Opened): string | null => {
  if (bareNumberAt !== null) return notJson(bareNumberAt)
  return isUtf8 ? requestProblem(head, body.rest["statsigMetadata"]) : "body: not UTF-8"
}

/** The event's time as it came, unless it was exported: then it is in ms. */
const countedTime = (dialect: Dialect, form: Body.Form, event: Json, mode: Mode): Json | undefined =>
  isObject(event) && Body.timeUUIDOf(form, event) === undefined
    ? Body.timeOf(dialect, form, event, mode)
    : undefined

/** Whether a list at the event webhook holds anything but events: none of its items has a name. */
const isOfOthers = (dialect: Dialect, { form, events }: Body.Body): boolean =>
  (form === "array" || form === "data") &&
  !events.some((event) => isObject(event) && event[Body.nameKey(dialect, form, event)] !== undefined)

/** Any request. */
const sortParsed = (
  head: WireHead,
  bytes: Uint8Array,
  limits: WireLimits,
): Result.Result<Sorted, Refused> => {
  const opening = open(head.dialect, bytes, limits)
  if (Result.isFailure(opening)) return Result.fail(opening.failure)
  const opened = opening.success
  const { json } = opened
  const { form, events, rest } = opened.body
  const mode = modeOf(head, form, () => (isObject(json) ? json["statsigMetadata"] : undefined))
  const problem = mode === "lenient" ? null : strictProblem(head, opened)
  if (problem !== null) return Result.fail(refused(problem, events.length))

  const tooMuchShared = sharedProblem(head, opened.bytes, opened.body, limits)
  if (tooMuchShared !== null) return Result.fail(tooMuch(tooMuchShared, events.length))

  const check = checkOf(mode, form)
  const eventNames: Array<string> = []
  const times: Array<Json | undefined> = []
  let firstAccepted: Json | undefined
  const refusedAt: Array<number> = []
  const rejected: Array<RejectedEvent> = []
  for (const [index, event] of events.entries()) {
    const fields = Body.fieldsOf(head.dialect, form, event, mode)
    if (check.isFine(fields)) {
      firstAccepted ??= event
      eventNames.push(fields.eventName)
      times.push(countedTime(head.dialect, form, event, mode))
      continue
    }
    refusedAt.push(index)
    if (rejected.length < mostDescribed) rejected.push(reject(head.dialect, form, mode, index, event))
  }
  const [first] = rejected
  // A refused batch is sent again for days by SDKs: they get a receipt that says what was wrong.
  const isReceipted = mode === "lenient" && form !== "single" && !isOfOthers(head.dialect, opened.body)
  if (!isReceipted && eventNames.length === 0 && first !== undefined) {
    return Result.fail(refused(first.message, events.length))
  }
  return Result.succeed({
    mode,
    clock: Time.judge(
      clientTimeOf(head, () => rest["clientTime"]),
      head.receivedAt,
      times,
    ),
    eventNames,
    refusedAt,
    rejected,
    body: () => keep(opened, refusedAt),
    subject: () => subjectOf(firstAccepted, rest),
  })
}

const accept = (head: WireHead, id: EntryId, sorted: Sorted): Accepted => {
  const { mode, eventNames, refusedAt, rejected, body, subject } = sorted
  const rejectedCount = refusedAt.length
  if (eventNames.length === 0) return { entry: null, rejected, rejectedCount, eventNames, subject: () => "" }
  const { receivedAt, dialect, keyId, sdkType, sdkVersion, sessionID } = head
  const facts = {
    receivedAt,
    offset: sorted.clock.offset,
    clock: sorted.clock.clock,
    dialect,
    mode,
    keyId,
    sdkType,
    sdkVersion,
    sessionID,
    rejected: rejectedCount === 0 ? null : refusedAt,
    names: EntryNames.summaryOf(eventNames),
  }
  const entry = Entry.encode(id, eventNames.length, facts, body())
  return { entry, rejected, rejectedCount, eventNames, subject }
}

/** Bytes (decompressed) to accepted and rejected events. Total: it never throws, whatever the bytes are. */
export const decode = (
  head: WireHead,
  bytes: Uint8Array,
  id: EntryId,
  limits: WireLimits,
): Result.Result<Accepted, Refused> => {
  const outlined = sortOutlined(head, bytes, limits)
  return Result.map(
    outlined === null ? sortParsed(head, bytes, limits) : Result.succeed(outlined),
    (sorted) => accept(head, id, sorted),
  )
}
