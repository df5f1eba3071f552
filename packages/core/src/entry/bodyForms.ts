import type { Json, JsonObject } from "../base/json.ts"
import { isObject } from "../base/json.ts"
import { isTimeUUID } from "./TimeUUID.ts"

/**
 * Which of the two documented operations a request calls: the log_event family, or the event
 * webhook.
 */
export type Dialect = "log_event" | "event_webhook"

/**
 * Where a body keeps its events: `{events: [...]}`; one event by itself; or events as Statsig and
 * Millrace export them, in `{data: [...]}` or a bare array.
 */
export type Form = "events" | "single" | "data" | "array"

export interface Body {
  readonly form: Form
  readonly events: ReadonlyArray<Json>
  /** The fields beside the events; of a single event there are none. */
  readonly rest: JsonObject
}

const has = (object: JsonObject, key: string): boolean => object[key] !== undefined

/** A text is what is wrong with it. */
export const read = (dialect: Dialect, json: Json): Body | string => {
  if (Array.isArray(json) && dialect === "event_webhook") return { form: "array", events: json, rest: {} }
  if (!isObject(json)) return "body: expected an object"
  if (has(json, "events")) {
    return Array.isArray(json["events"])
      ? { form: "events", events: json["events"], rest: json }
      : "events: expected an array"
  }
  if (dialect === "log_event") return "events: missing"
  if (has(json, "event") || has(json, "eventName")) return { form: "single", events: [json], rest: {} }
  if (Array.isArray(json["data"])) return { form: "data", events: json["data"], rest: json }
  return "body: expected `event` or `events`"
}

/** An event's own name in messages, such as `events[3]`. */
export const pathOf = (form: Form, index: number): string =>
  form === "single" ? "" : form === "array" ? `[${index}]` : `${form}[${index}]`

const isNone = (value: Json | undefined): boolean => value === undefined || value === null

const either = (event: JsonObject, first: string, second: string): string =>
  isNone(event[first]) && has(event, second) ? second : first

// The event webhook is documented in two spellings, and callers mix them. Where both are missing,
// the message names the one that the form is documented with.

export const nameKey = (dialect: Dialect, form: Form, event: JsonObject): string => {
  if (dialect === "log_event") return "eventName"
  return form === "single" ? either(event, "event", "eventName") : either(event, "eventName", "event")
}

const timeKey = (dialect: Dialect, form: Form, event: JsonObject): string => {
  if (dialect === "log_event") return "time"
  return form === "events" ? either(event, "time", "timestamp") : either(event, "timestamp", "time")
}

/** How the sender spells a field of {@link fieldsOf}. */
export const spellingOf = (dialect: Dialect, form: Form, event: JsonObject, key: PropertyKey): PropertyKey =>
  key === "eventName" ? nameKey(dialect, form, event) : key === "time" ? timeKey(dialect, form, event) : key

/** A text without anything in it, which no-code tools send for what they do not know. */
const isBlank = (value: Json | undefined): boolean => typeof value === "string" && value.trim() === ""

/** The event's time as it came; `undefined` when it has none. */
export const timeOf = (
  dialect: Dialect,
  form: Form,
  event: JsonObject,
  mode: "strict" | "lenient",
): Json | undefined => {
  const time = event[timeKey(dialect, form, event)]
  return dialect === "event_webhook" && mode === "lenient" && isBlank(time) ? undefined : time
}

/** The id that an event was given where it was exported; `undefined` of any other. */
export const timeUUIDOf = (form: Form, event: JsonObject): string | undefined => {
  const timeUUID = form === "array" || form === "data" ? event["timeUUID"] : undefined
  return isTimeUUID(timeUUID) ? timeUUID : undefined
}

/** The fields that are checked, as the OpenAPI document spells them. */
export const fieldsOf = (dialect: Dialect, form: Form, event: Json, mode: "strict" | "lenient"): Json => {
  if (dialect === "log_event" || !isObject(event)) return event
  const fields: { [key: string]: Json } = {}
  const set = (key: string, value: Json | undefined) => {
    if (value !== undefined) fields[key] = value
  }
  set("user", event["user"])
  set("eventName", event[nameKey(dialect, form, event)])
  set("time", timeOf(dialect, form, event, mode))
  set("value", event["value"])
  set("metadata", event["metadata"])
  return fields
}
