import type { Event } from "../base/Event.ts"
import { exact, exactOf, exactStatsigMetadataOf } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { JsonObject } from "../base/json.ts"
import { isObject, objectOrEmpty, parse } from "../base/json.ts"
import { clampTime } from "../base/time.ts"
import { isTextOrNone } from "../base/validate.ts"
import type { DecodedEntry, Sender } from "./Entry.ts"

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

/**
 * The same for a destination that gets events as their SDKs sent them: with the event as it was
 * sent, and what its request said beside it.
 */
export const writeSent = (entry: DecodedEntry, event: Event, index: number): string => {
  const { keyId, sdkType, sdkVersion, ip, relayedBy } = entry.sender ?? {}
  const sender = Object.fromEntries(
    Object.entries({ keyId, sdkType, sdkVersion, ip, relayedBy }).filter(([, fact]) => fact !== undefined),
  )
  const { statsigMetadata } = exactOf(event)
  const kept = ExactJson.parse(write(entry, event)) as JsonObject
  return ExactJson.stringify({
    ...kept,
    sent: {
      event: entry.rawAt?.(index) ?? null,
      statsigMetadata,
      request: { sender, statsigMetadata: exactStatsigMetadataOf(entry) },
    } as unknown as JsonObject,
  })
}

const isSender = (json: unknown): json is Sender => isObject(json) && Object.values(json).every(isTextOrNone)

/**
 * What {@link read} cannot say: the entry of one letter's event. A letter that {@link writeSent}
 * has not written has no sender.
 */
export const readEntry = (text: string, receivedAt: number): DecodedEntry | null => {
  const event = read(text)
  if (event === null) return null
  const entry: DecodedEntry = { id: "", receivedAt, statsigMetadata: {}, events: [event] }
  const { sent } = ExactJson.parse(text) as JsonObject
  if (!isObject(sent)) return entry
  const request = objectOrEmpty(sent["request"])
  const raw = sent["event"]
  const sender = request["sender"]
  return {
    ...entry,
    ...(isSender(sender) ? { sender } : {}),
    statsigMetadata: objectOrEmpty(request["statsigMetadata"]),
    events: [{ ...event, statsigMetadata: objectOrEmpty(sent["statsigMetadata"]) }],
    rawAt: () => (isObject(raw) ? raw : null),
  }
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
