import type { DecodedEntry } from "../Entry.ts"
import type { Event } from "../Event.ts"
import { isObject, parse } from "./json.ts"
import { clampTime } from "./time.ts"

/** How a destination's dead letter keeps its event: as every reader of the log sees it, with what the request said for all its events. */
export const write = (entry: DecodedEntry, event: Event): string => {
  const { eventName, user, time, value, metadata, statsigMetadata, timeUUID } = event
  const merged = { ...entry.statsigMetadata, ...statsigMetadata }
  return JSON.stringify({ eventName, user, time, value, metadata, statsigMetadata: merged, timeUUID })
}

/** `null` when it is not what {@link write} has written. */
export const read = (text: string): Event | null => {
  const json = parse(text)
  if (!isObject(json)) return null
  const { eventName, user, time, value, metadata, statsigMetadata } = json
  return typeof eventName === "string" &&
    isObject(user) &&
    typeof time === "number" &&
    Number.isFinite(time) &&
    value !== undefined &&
    isObject(metadata) &&
    isObject(statsigMetadata)
    ? ({ ...json, time: clampTime(time) } as unknown as Event)
    : null
}
