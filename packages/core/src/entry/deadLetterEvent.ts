import type { Event } from "../base/Event.ts"
import { exact, exactOf, exactStatsigMetadataOf } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { JsonObject } from "../base/json.ts"
import { isObject, parse } from "../base/json.ts"
import { clampTime } from "../base/time.ts"
import type { DecodedEntry } from "./Entry.ts"

/**
 * How a destination's dead letter keeps its event: as every reader of the log sees it, with what
 * the request said for all its events.
 */
export const write = (entry: DecodedEntry, event: Event): string => {
  const { eventName, user, time, value, metadata, statsigMetadata, timeUUID } = exactOf(event)
  const merged = { ...exactStatsigMetadataOf(entry), ...statsigMetadata }
  const kept = { eventName, user, time, value, metadata, statsigMetadata: merged }
  return ExactJson.stringify(timeUUID === undefined ? kept : { ...kept, timeUUID })
}

/** `null` when it is not what {@link write} has written. */
export const read = (text: string): Event | null => {
  const json = parse(text)
  if (!isObject(json)) return null
  const { eventName, user, time, value, metadata, statsigMetadata } = json
  const isEvent =
    typeof eventName === "string" &&
    isObject(user) &&
    typeof time === "number" &&
    Number.isFinite(time) &&
    value !== undefined &&
    isObject(metadata) &&
    isObject(statsigMetadata)
  if (!isEvent) return null
  const event = { ...json, time: clampTime(time) } as unknown as Event
  if (!ExactJson.mayHaveOddNumbers(text)) return event
  return Object.assign(event, { [exact]: { ...(ExactJson.parse(text) as JsonObject), time: event.time } })
}
