import { isObject, type Json, type JsonObject, objectOrEmpty } from "../base/json.ts"
import * as Nesting from "../base/nesting.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import * as Validate from "../base/validate.ts"
import * as Body from "../entry/bodyForms.ts"
import * as Entry from "../entry/Entry.ts"
import type { ClientFacts } from "../entry/Envelope.ts"
import * as PrivateAttributes from "../entry/privateAttributes.ts"
import * as Sample from "../entry/subject.ts"
import * as SharedFacts from "./sharedFacts.ts"

/**
 * What a request comes to: which of its events are accepted, which are refused, and what is kept.
 * How that is found out depends on its body: `sortOutlined` reads the usual one where it stands,
 * `sortParsed` any small one, `sortSurveyed` any large one in slices. What they have in common is
 * here.
 */

/**
 * `auto`: the tolerance of `LenientEvent` for requests that show an SDK and for exported events,
 * the OpenAPI document for all others.
 */
export type Validation = "auto" | "strict" | "lenient"

/** What the decoder needs to know of a request, besides its body. */
export interface WireHead {
  readonly dialect: Body.Dialect
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
  /** What is to be kept of the client. */
  readonly client?: ClientFacts | null
  /** Which processes have relayed the request before, as their header has it. */
  readonly relayedBy?: string | null
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

/** The whole request is refused; nothing of it is kept. */
export interface Refused {
  readonly status: 400 | 413
  readonly message: string
  /** How many events it held, where that could be read: they are counted as rejected. */
  readonly events: number
}

export interface WireLimits {
  /**
   * 10 MB: Statsig's documented request limit (docs, server-core). Applied before and after
   * decompression.
   */
  readonly bodyBytes: number
  /** Server core sends 2,000 by default; five times that leaves room. */
  readonly events: number
  /**
   * Deeper than any SDK sends, and shallow enough for every recursive reader behind us. At most
   * {@link maxNesting}.
   */
  readonly nesting: number
  /**
   * 32 MiB: what a request's events may come to when they are sent, with the facts of the request
   * in each of them. Three of the largest bodies; far more than a batch of any SDK, and what one
   * request may cost each destination.
   */
  readonly sentBytes: number
}

/**
 * How many refused events of a request are described in its reply and kept as dead letters; the
 * rest are counted. A sender needs to see what is wrong, not a megabyte of it, and a small body of
 * ten thousand zeros must not cost ten thousand descriptions.
 */
export const mostDescribed = 100

/**
 * A limit over this counts as this: far from where recursive readers, `JSON.stringify` among them,
 * run out of stack.
 */
export const maxNesting: number = Nesting.most

/** The tolerance a request gets in the end. */
export type Mode = "strict" | "lenient"

/** Names are the sender's to choose: a rejected event shows the beginning of its own. */
const maxNameBytes = 256

const maxRejectedBytes = 8 * 1024

export const refused = (message: string, events = 0): Refused => ({ status: 400, message, events })

export const tooMuch = (message: string, events = 0): Refused => ({ status: 413, message, events })

export const tooMany = (limits: WireLimits, events: number): Refused =>
  tooMuch(`events: more than ${limits.events} events`, events)

export const tooDeep = (nesting: number): string => `body: nested deeper than ${nesting}`

export const notJson = (at: number): string => `body: not JSON from byte ${at} on`

export const isNonEmpty = (value: Json | undefined): boolean => typeof value === "string" && value !== ""

/** Whether a request says that an SDK has made it, in its head or in its body. */
export const showsSdk = (
  head: Pick<WireHead, "sdkType">,
  statsigMetadata: () => Json | undefined,
): boolean => {
  if (isNonEmpty(head.sdkType)) return true
  const metadata = statsigMetadata()
  return isObject(metadata) && isNonEmpty(metadata["sdkType"])
}

export const modeOf = (head: WireHead, form: Body.Form, statsigMetadata: () => Json | undefined): Mode => {
  if (head.validation !== "auto") return head.validation
  // No document gives types for the single form, and no-code tools send nulls and texts that nobody
  // can change.
  return form !== "events" || showsSdk(head, statsigMetadata) ? "lenient" : "strict"
}

const missingClientTime =
  'STATSIG-CLIENT-TIME: missing header (the option `validation: "lenient"` takes requests without it)'

/** What breaks the OpenAPI document in a request besides its events; `null` when nothing does. */
export const requestProblem = (head: WireHead, statsigMetadata: Json | undefined): string | null => {
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

/**
 * What the sender's clock says, in whatever unit; `null` when no readable clock came with the
 * request.
 */
export const clientTimeOf = (head: WireHead, clientTimeOfBody: () => Json | undefined): number | null =>
  Time.readClientTime(head.clientTimeHeader) ??
  (head.dialect === "log_event"
    ? (Time.readClientTime(head.clientTimeQuery) ?? Time.readClientTime(clientTimeOfBody()))
    : null)

export const checkOf = (mode: Mode, form: Body.Form): Validate.Check => {
  if (mode === "lenient") return Validate.lenientEvent
  return form === "single" ? Validate.strictSingleEvent : Validate.strictEvent
}

/**
 * @param fields the event's, as they are checked
 * @param kept what is kept of the event
 */
export const rejectedAs = (
  form: Body.Form,
  index: number,
  fields: Json,
  problem: Validate.Problem,
  kept: string,
): RejectedEvent => {
  const eventName = isObject(fields) ? fields["eventName"] : undefined
  return {
    index,
    message: Validate.messageOf(Body.pathOf(form, index), problem),
    eventName:
      typeof eventName === "string" ? PrivateAttributes.redactText(Utf8.cut(eventName, maxNameBytes)) : "",
    event: kept,
  }
}

export const reject = (
  dialect: Body.Dialect,
  form: Body.Form,
  mode: Mode,
  index: number,
  event: Json,
): RejectedEvent => {
  const fields = Body.fieldsOf(dialect, form, event, mode)
  const problem = checkOf(mode, form).problem(fields)
  const path = (problem?.path ?? []).map((key, depth) =>
    depth === 0 && isObject(event) ? Body.spellingOf(dialect, form, event, key) : key,
  )
  const kept = PrivateAttributes.redactedJson(event, maxRejectedBytes)
  return rejectedAs(form, index, fields, { path, reason: problem?.reason ?? "invalid" }, kept)
}

export const subjectOf = (event: Json | undefined, rest: JsonObject): string => {
  const { user, userID, statsigMetadata } = objectOrEmpty(event)
  const known = objectOrEmpty(user ?? rest["user"])
  // Exported events carry the id beside the user as well.
  const identified = userID === undefined || Object.hasOwn(known, "userID") ? known : { ...known, userID }
  return Sample.subjectOf(identified, objectOrEmpty(statsigMetadata), objectOrEmpty(rest["statsigMetadata"]))
}

/** What a request comes to, however that was found out. */
export interface Sorted {
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

/**
 * What is too much of the facts that a request's events share; `null` when nothing is.
 *
 * @param facts with their numbers as they are written, which is how they are sent
 * @param withoutUser how many events have no user of their own
 */
export const sharedProblem = (
  head: WireHead,
  { user, statsigMetadata }: { readonly user: Json | undefined; readonly statsigMetadata: Json | undefined },
  events: { readonly count: number; readonly withoutUser: number },
  bodyBytes: number,
  limits: WireLimits,
): string | null => {
  const metadataSize = SharedFacts.sizeOf(statsigMetadata, SharedFacts.maxFactBytes)
  const userSize = SharedFacts.sizeOf(user, SharedFacts.maxFactBytes)
  for (const [name, size] of Object.entries({ statsigMetadata: metadataSize, user: userSize })) {
    if (size > SharedFacts.maxFactBytes) return `${name}: larger than ${SharedFacts.maxFactBytes} bytes`
  }
  const shared = {
    events: events.count,
    statsigMetadata: isObject(statsigMetadata) ? metadataSize : sdkFactsSize(head),
    withoutUser: user === undefined ? 0 : events.withoutUser,
    user: SharedFacts.userSize(user),
  }
  return SharedFacts.problemOf(shared, bodyBytes, limits.sentBytes)
}

export const isUserless = (event: Json): boolean =>
  isObject(event) && (event["user"] === undefined || event["user"] === null)

/** What breaks the OpenAPI document, or JSON, besides the events; `null` when nothing does. */
export const strictProblem = (
  head: WireHead,
  body: { readonly isUtf8: boolean; readonly bareNumberAt: number | null; readonly rest: JsonObject },
): string | null => {
  if (body.bareNumberAt !== null) return notJson(body.bareNumberAt)
  return body.isUtf8 ? requestProblem(head, body.rest["statsigMetadata"]) : "body: not UTF-8"
}

/** The event's time as it came, unless it was exported: then it is in ms. */
export const countedTime = (
  dialect: Body.Dialect,
  form: Body.Form,
  event: Json,
  mode: Mode,
): Json | undefined =>
  isObject(event) && Body.timeUUIDOf(form, event) === undefined
    ? Body.timeOf(dialect, form, event, mode)
    : undefined

/** Whether a list at the event webhook holds anything but events: none of its items has a name. */
export const isOfOthers = (form: Body.Form, isAnyNamed: boolean): boolean =>
  (form === "array" || form === "data") && !isAnyNamed

export const isNamed = (dialect: Body.Dialect, form: Body.Form, event: Json): boolean =>
  isObject(event) && event[Body.nameKey(dialect, form, event)] !== undefined
