import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import {
  LenientEvent,
  maxEventNameBytes,
  StrictEvent,
  StrictSingleEvent,
  StrictStatsigMetadata,
} from "./Event.ts"
import type { JsonObject } from "./json.ts"
import { isEmptyArray, isObject } from "./json.ts"
import { readTime } from "./time.ts"
import * as Utf8 from "./utf8.ts"

/** Where a value breaks a rule, and which. Neither holds the value. */
export interface Problem {
  readonly path: ReadonlyArray<PropertyKey>
  readonly reason: string
}

/** What every check leaves no doubt about. */
export interface Named {
  readonly eventName: string
}

export const isTextOrNone = (value: unknown): boolean => value === undefined || typeof value === "string"

const isObjectOrNone = (value: unknown): boolean => value === undefined || isObject(value)

export const isTextMapOrNone = (value: unknown): boolean => {
  if (value === undefined) return true
  if (!isObject(value)) return false
  for (const key in value) if (typeof value[key] !== "string") return false
  return true
}

const isEventName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && !Utf8.isLonger(value, maxEventNameBytes)

const isStrictUser = (user: unknown): boolean =>
  isObject(user) &&
  isTextOrNone(user["userID"]) &&
  isTextOrNone(user["email"]) &&
  isObjectOrNone(user["custom"]) &&
  isTextMapOrNone(user["customIDs"])

const isStrictBesidesTime = (event: JsonObject): boolean => {
  const { eventName, value } = event
  return (
    isEventName(eventName) &&
    (value === undefined || typeof value === "string" || Number.isFinite(value)) &&
    isObjectOrNone(event["metadata"]) &&
    isStrictUser(event["user"])
  )
}

/** What `StrictEvent` accepts, of JSON. */
const isStrictEvent = (event: unknown): event is Named =>
  isObject(event) && Number.isInteger(event["time"]) && isStrictBesidesTime(event)

/** What `StrictSingleEvent` accepts, of JSON. */
const isStrictSingleEvent = (event: unknown): event is Named =>
  isObject(event) &&
  (event["time"] === undefined || Number.isInteger(event["time"])) &&
  isStrictBesidesTime(event)

const isLenientMap = (value: unknown): boolean =>
  value === undefined || value === null || isObject(value) || isEmptyArray(value)

/** What `LenientEvent` accepts, of JSON. */
const isLenientEvent = (event: unknown): event is Named => {
  if (!isObject(event)) return false
  const { eventName, time, value } = event
  return (
    isEventName(eventName) &&
    (time === undefined || time === null || readTime(time) !== null) &&
    (value === null || typeof value !== "object") &&
    isLenientMap(event["user"]) &&
    isLenientMap(event["metadata"])
  )
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first problem in the schema's own words; `null` when there is none. */
const firstProblem = (schema: Schema.ConstraintDecoder<unknown>) => {
  const decode = SchemaParser.decodeUnknownResult(schema)
  return (value: unknown): Problem | null => {
    const result = decode(value)
    if (Result.isSuccess(result)) return null
    const first = format(result.failure).issues[0]
    return {
      path: (first?.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment)),
      reason: first?.message ?? "invalid",
    }
  }
}

export interface Check {
  /** Exactly where {@link Check.problem} finds nothing, at a fiftieth of its cost. */
  readonly isFine: (value: unknown) => value is Named
  readonly problem: (value: unknown) => Problem | null
}

export const strictEvent: Check = { isFine: isStrictEvent, problem: firstProblem(StrictEvent) }

export const strictSingleEvent: Check = {
  isFine: isStrictSingleEvent,
  problem: firstProblem(StrictSingleEvent),
}

export const lenientEvent: Check = { isFine: isLenientEvent, problem: firstProblem(LenientEvent) }

export const statsigMetadataProblem = firstProblem(StrictStatsigMetadata)

/**
 * Senders choose keys, which may be personal: only a key that looks like a field's name is shown.
 */
const plain = /^[A-Za-z_$][\w$-]{0,63}$/

const pathText = (root: string, path: ReadonlyArray<PropertyKey>): string => {
  let text = root
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`
    else if (typeof segment === "string" && plain.test(segment)) text += text === "" ? segment : `.${segment}`
    else text += "[?]"
  }
  return text === "" ? "body" : text
}

/**
 * Writes `events[3]` and a problem at `["user", "userID"]` as `events[3].user.userID: expected a
 * string`.
 */
export const messageOf = (root: string, problem: Problem): string =>
  `${pathText(root, problem.path)}: ${problem.reason}`
