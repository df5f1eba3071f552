import type { Event } from "../../base/Event.ts"
import { textOf } from "../../base/json.ts"
import { type DecodedEntry, eventIds } from "../../entry/Entry.ts"
import { subjectOf } from "../../entry/subject.ts"
import type { DeadLetter } from "../../ports/DeadLetters.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { CompiledSelection } from "../../select/Destination.ts"
import { View } from "../../select/Export.ts"
import { categoryOf, passes } from "../../select/Filter.ts"
import type { EventRow } from "../rows/place.ts"

/** Characters of a value in a row: rows are read at a glance, and senders choose their length. */
const maxText = 200

const cut = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text)

/** Names an event's place in the log. */
const placeOf = (partition: number, position: Position, index: number): string =>
  `${partition}/${position}/${index}`

export interface PlaceParts {
  readonly partition: number
  readonly position: Position
  readonly index: number
}

/** `null` for a text that {@link placeOf} has not made. */
export const parsePlace = (place: string): PlaceParts | null => {
  const [, partition, position, index] = /^(\d{1,9})\/([^/]{1,64})\/(\d{1,9})$/.exec(place) ?? []
  if (partition === undefined || position === undefined || index === undefined) return null
  return { partition: Number(partition), position: position as Position, index: Number(index) }
}

/** A destination whose filter says what becomes of events. */
export interface Marked {
  readonly id: string
  readonly selection: CompiledSelection
}

/** The sender's name and version, as its request or its event says them. */
const senderOf = (event: Event, { sender, statsigMetadata }: DecodedEntry): string => {
  const fact = (key: "sdkType" | "sdkVersion"): string =>
    sender?.[key] ?? (textOf(event.statsigMetadata[key]) || textOf(statsigMetadata[key]))
  return cut([fact("sdkType"), fact("sdkVersion")].filter((text) => text !== "").join(" "))
}

/** @param marked by id: a letter is made for each, in their order */
export const rowOf = (
  partition: number,
  { position, appendedAt }: Pick<LogEntry, "position" | "appendedAt">,
  entry: DecodedEntry,
  index: number,
  marked: ReadonlyArray<Marked>,
): EventRow => {
  const event = entry.events[index]!
  const view = new View(event, entry, "statsigMetadata")
  return [
    placeOf(partition, position, index),
    appendedAt,
    cut(view.eventName),
    categoryOf(event.eventName),
    cut(subjectOf(event.user, event.statsigMetadata, entry.statsigMetadata)),
    cut(view.value),
    senderOf(event, entry),
    entry.sender?.keyId ?? null,
    marked.map(({ selection }) => (passes(selection.filter, event, index, entry) ? "p" : "f")).join(""),
    eventIds(entry)(index),
  ]
}

/** What was refused on arrival stands at no place of the log: `intake` and its id name it. */
export const rejectedRow = ({ eventId, deadAt, eventName, message }: DeadLetter): EventRow => [
  `intake/${eventId}`,
  deadAt,
  cut(eventName),
  categoryOf(eventName),
  "",
  cut(message),
  "",
  null,
  "",
  eventId,
]
