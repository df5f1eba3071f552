import type { Event } from "../base/Event.ts"
import { exactOf, exactStatsigMetadataOf } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import * as IpAddress from "../base/ipAddress.ts"
import { idOf, isObject, type Json, type JsonObject, put, textOf } from "../base/json.ts"
import { type DecodedEntry, eventIds } from "../entry/Entry.ts"
import type { RequestOrigin } from "../ports/Sink.ts"
import { type EventWriter, type ExportRule, eventWriter } from "./Export.ts"

type ChangeFields = ExportRule["fields"]

/** What the rules for fields leave of an event, whose other fields no rule can name. */
const changed = (change: NonNullable<ChangeFields>, event: Event, statsigMetadata: JsonObject) =>
  change({
    eventName: event.eventName,
    user: event.user,
    userID: idOf(event.user["userID"]),
    timestamp: event.time,
    value: textOf(event.value),
    metadata: event.metadata,
    statsigMetadata,
    timeUUID: "",
  })

const nobody: Event = {
  eventName: "",
  user: {},
  time: 0,
  value: null,
  metadata: {},
  statsigMetadata: {},
}

/**
 * What an entry's request said for all of its events, where they are written as they were sent;
 * else `null`. A hash in the place of the client's address is no address.
 */
export const originOf = (entry: DecodedEntry, { form, fields }: ExportRule): RequestOrigin | null => {
  if (form !== "sent") return null
  const { keyId = null, sdkType = null, sdkVersion = null, ip = "", relayedBy = null } = entry.sender ?? {}
  const shared = exactStatsigMetadataOf(entry)
  const left =
    fields === null
      ? { user: { ip }, statsigMetadata: shared }
      : changed(fields, { ...nobody, user: { ip } }, shared)
  const isShown = left.user["ip"] === ip && IpAddress.parse(ip) !== null
  return {
    ...{ keyId, sdkType, sdkVersion, relayedBy, ip: isShown ? ip : null },
    statsigMetadata: ExactJson.stringify(left.statsigMetadata),
  }
}

const isEmpty = (object: JsonObject): boolean => Object.keys(object).length === 0

/**
 * An event as its SDK sent it, with every field that it had, but for what Millrace decides: its
 * time is corrected by the sender's clock, and its user has nothing private. One that came by
 * another way gets the same form.
 *
 * @param raw what the SDK sent
 */
const sentEvent = (event: Event, raw: JsonObject | null, fields: ChangeFields): JsonObject => {
  const { eventName, user, time, value, metadata, statsigMetadata } = event
  const sent: Record<string, Json> = {}
  if (raw === null) Object.assign(sent, { eventName, user, time, value, metadata, statsigMetadata })
  else {
    for (const key of Object.keys(raw)) put(sent, key, raw[key]!)
    if (isObject(raw["user"]) || !isEmpty(user)) sent["user"] = user
  }
  sent["time"] = Math.floor(time)
  if (fields === null) return sent
  const left = changed(fields, event, statsigMetadata)
  if (sent["user"] !== undefined) sent["user"] = left.user
  if (left.value !== textOf(value)) sent["value"] = left.value
  if (isObject(sent["metadata"])) sent["metadata"] = left.metadata
  if (isObject(sent["statsigMetadata"])) sent["statsigMetadata"] = left.statsigMetadata
  return sent
}

/**
 * Writes events as their SDKs sent them, each with its `timeUUID` besides, so that both ends can
 * tell which one it is.
 */
const sentWriter = (
  entry: DecodedEntry,
  { fields }: ExportRule,
  idAt: (index: number) => string = eventIds(entry),
): EventWriter => {
  const { rawAt = () => null } = entry
  return (event, index, into) => {
    const sent = sentEvent(exactOf(event), rawAt(index), fields)
    into.text(ExactJson.stringify({ ...sent, timeUUID: idAt(index) }))
    return null
  }
}

/**
 * Writes an entry's events in the form of the rule.
 *
 * @param idAt the event's `timeUUID` by its place
 */
export const writerOf = (
  entry: DecodedEntry,
  rule: ExportRule,
  idAt?: (index: number) => string,
): EventWriter => (rule.form === "sent" ? sentWriter(entry, rule, idAt) : eventWriter(entry, rule, idAt))
