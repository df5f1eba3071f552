import type { DecodedEntry } from "../Entry.ts"
import type { Event } from "../Event.ts"
import { isObject, parse } from "./json.ts"

/** How a destination's dead letter keeps its event: as every reader of the log sees it, with what the request said for all its events. */
export const write = (entry: DecodedEntry, event: Event): string => {
  const { eventName, user, time, value, metadata, statsigMetadata, timeUUID } = event
  const merged = { ...entry.statsigMetadata, ...statsigMetadata }
  return JSON.stringify({ eventName, user, time, value, metadata, statsigMetadata: merged, timeUUID })
}

/** `null` when it is not what {@link write} has written. */
export const read = (text: string): Event | null => {
  const json = parse(text)
  return isObject(json) &&
    typeof json["eventName"] === "string" &&
    isObject(json["user"]) &&
    Number.isFinite(json["time"]) &&
    json["value"] !== undefined &&
    isObject(json["metadata"]) &&
    isObject(json["statsigMetadata"])
    ? (json as unknown as Event)
    : null
}
