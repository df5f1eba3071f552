import type { Event } from "../base/Event.ts"
import { exact } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import { idOf, isFlat, isObject, type Json, type JsonObject, objectOrEmpty } from "../base/json.ts"
import * as Time from "../base/time.ts"
import * as Body from "./bodyForms.ts"
import { type ClientFields, filled } from "./clientFields.ts"
import type { Envelope } from "./Envelope.ts"
import * as PrivateAttributes from "./privateAttributes.ts"
import type { Both } from "./SpanEvent.ts"

/** What the events of one entry have in common. */
export interface Request {
  readonly envelope: Envelope
  readonly form: Body.Form
  readonly correction: Time.Correction
  /** What is filled in where a user does not say it. */
  readonly client: ClientFields | null
  /** The default for events without a user of their own. */
  readonly user: Both | null
  /** Whether the user has a number that a double does not give back as it is written. */
  readonly hasOddNumbers: boolean
}

/** @param shared the default for an event without a user of its own */
const readUser = ({ envelope, client }: Request, raw: JsonObject, shared: JsonObject): JsonObject => {
  const own = raw["user"]
  const isShared = own === undefined || own === null
  const user = isShared ? shared : filled(PrivateAttributes.without(objectOrEmpty(own)), client)
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
export const readEvent = (request: Request, raw: Json, text: Text): Event | null => {
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
