import type { Event } from "../base/Event.ts"
import { hash32 } from "../base/hash32.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { isObject } from "../base/json.ts"
import type { DecodedEntry } from "./Entry.ts"

/**
 * Ids differ in their first characters; a longer one is hashed by these, since ids are the senders'
 * to choose.
 */
const maxIdLength = 1024

const beginning = (id: string): string => (id.length > maxIdLength ? id.slice(0, maxIdLength) : id)

const id = (object: JsonObject, key: string): string => {
  const value: Json | undefined = Object.hasOwn(object, key) ? object[key] : undefined
  return typeof value === "string" ? beginning(value) : typeof value === "number" ? String(value) : ""
}

const customIds = (user: JsonObject): JsonObject => {
  const ids = Object.hasOwn(user, "customIDs") ? user["customIDs"] : undefined
  return isObject(ids) ? ids : {}
}

/**
 * The id under the first key, by the order of texts, that has one. Found without sorting keys,
 * which may be a million.
 */
const firstOf = (ids: JsonObject): string => {
  let first: string | undefined
  for (const key in ids) if ((first === undefined || key < first) && id(ids, key) !== "") first = key
  return first === undefined ? "" : id(ids, first)
}

/**
 * Names a user, as well as can be told, `""` when it cannot: client SDKs know an anonymous user by
 * the stable id alone, and send it with the event or the request.
 */
export const subjectOf = (user: JsonObject, ofEvent: JsonObject, ofRequest: JsonObject): string => {
  const userID = id(user, "userID")
  if (userID !== "") return userID
  const custom = customIds(user)
  return (
    id(custom, "stableID") ||
    id(user, "stableID") ||
    id(ofEvent, "stableID") ||
    id(ofRequest, "stableID") ||
    firstOf(custom)
  )
}

/** Whose event it is; one of nobody is its own. */
const ownerOf = ({ user, statsigMetadata }: Event, index: number, entry: DecodedEntry): string =>
  subjectOf(user, statsigMetadata, entry.statsigMetadata) || `${entry.id}/${index}`

/** Deals events to so many buckets: those of one user always to the same. */
export const bucketOf =
  (buckets: number): ((event: Event, index: number, entry: DecodedEntry) => number) =>
  (event, index, entry) =>
    buckets === 1 ? 0 : hash32(ownerOf(event, index, entry)) % buckets

/**
 * Whether an event is in a sample of the given share. The same users are in it at every
 * destination, at all times, and in every larger sample. An event of nobody is in or out by its own
 * id.
 */
export const inSample = (share: number): ((event: Event, index: number, entry: DecodedEntry) => boolean) => {
  const end = share * 2 ** 32
  return (event, index, entry) => hash32(ownerOf(event, index, entry)) < end
}
