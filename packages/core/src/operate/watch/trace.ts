import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Event } from "../../base/Event.ts"
import * as Utf8 from "../../base/utf8.ts"
import * as LaneState from "../../deliver/LaneState.ts"
import { cameTexts } from "../../entry/cameText.ts"
import { type DecodedEntry, eventIds } from "../../entry/Entry.ts"
import { readEnvelope } from "../../entry/Envelope.ts"
import { isTimeUUID } from "../../entry/TimeUUID.ts"
import { type Attempts, delivered, limits } from "../../ports/Attempts.ts"
import { type CursorName, cursorName } from "../../ports/CursorName.ts"
import type { CursorRecord, Cursors } from "../../ports/Cursors.ts"
import type { DeadLetter, DeadLetters } from "../../ports/DeadLetters.ts"
import type { Destinations } from "../../ports/Destinations.ts"
import type { EventLog, LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { UnknownEvent } from "../OperatorError.ts"
import { type EventAt, type EventTrace, maxShown, type Whereabouts } from "../rows/events.ts"
import { entryAt } from "./entryAt.ts"
import { type Marked, type PlaceParts, parsePlace, rowOf } from "./eventRow.ts"
import { findEvents } from "./findEvents.ts"
import type { LedgerPast } from "./LedgerPast.ts"
import { changedFields, leaves } from "./leaving.ts"
import type { Process } from "./Process.ts"
import { readEntry } from "./readEntry.ts"
import { type Placed, type Stand, whereabouts } from "./whereabouts.ts"

/** Dead letters that are looked through at once. */
const page = 500

/** ms that a letter's clock may be behind that of the process which took the event in. */
const clockDifference = 60_000

export interface TracePorts {
  readonly log: EventLog["Service"]
  readonly cursors: Cursors["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly destinations: Destinations["Service"]
  readonly attempts: Attempts["Service"]
}

/** The process that delivers, with what its ledger said last. */
export interface Delivering {
  readonly process: Process
  readonly past: LedgerPast
  readonly marked: () => ReadonlyArray<Marked>
}

/** Letters are put as events die: those put before the event came are not looked through. */
const letterOf = Effect.fnUntraced(function* (
  deadLetters: DeadLetters["Service"],
  destination: string,
  eventId: string,
  since: number,
): Effect.fn.Return<DeadLetter | null, StoreError> {
  let after: string | undefined
  for (;;) {
    const { letters, next } = yield* deadLetters.list({
      ...{ destination, limit: page },
      ...(after === undefined ? {} : { after }),
    })
    const found = letters.find((letter) => letter.eventId === eventId)
    if (found !== undefined) return found
    const oldest = letters.at(-1)
    if (next === null || oldest === undefined || oldest.deadAt < since - clockDifference) return null
    after = next
  }
})

type Delivered = Extract<Whereabouts, { readonly _tag: "Delivered" }>

const isBefore = (at: PlaceParts, [position, index]: readonly [Position, number]): boolean =>
  at.position < position || (at.position === position && at.index < index)

const isBehind = (at: PlaceParts, [position, index]: readonly [Position, number]): boolean =>
  at.position > position || (at.position === position && at.index > index)

/** Says by which attempt an event was delivered, while that is on record. */
const deliveryOf = Effect.fnUntraced(function* (
  attempts: Attempts["Service"],
  destination: string,
  at: PlaceParts,
): Effect.fn.Return<Delivered, StoreError> {
  const kept = yield* attempts.list({ destination, outcome: delivered, limit: limits.maxSuccesses })
  const found = kept.filter(
    ({ range }) =>
      range?.partition === at.partition && !isBefore(at, range.first) && !isBehind(at, range.last),
  )
  // Where several reach over it, the others carry what lies beside it.
  const [attempt] = found.sort((a, b) => a.events - b.events)
  return attempt === undefined
    ? { _tag: "Delivered", at: null, status: null, duration: null, events: null, webhookId: null }
    : {
        ...{ _tag: "Delivered", at: attempt.startedAt + attempt.duration, status: attempt.status },
        ...{ duration: attempt.duration, events: attempt.events, webhookId: attempt.webhookId },
      }
})

/** Where each destination stands in a partition: by its lane where one runs here. */
const standsIn = Effect.fnUntraced(function* (
  { cursors }: TracePorts,
  { steering: { roster, lanes } }: Process,
  partition: number,
): Effect.fn.Return<ReadonlyMap<string, Stand>, StoreError> {
  const stands = new Map<string, Stand>()
  const nameOf = (destination: string) =>
    cursorName({ destination, partition, replay: null } satisfies CursorName)
  const ids = [...roster.all.keys()]
  const isElsewhere = ids.some((id) => !lanes.running.has(nameOf(id)))
  const records = new Map<string, CursorRecord | null>()
  if (isElsewhere) for (const { name, record } of yield* cursors.list) records.set(name, record)
  for (const id of ids) {
    const lane = lanes.running.get(nameOf(id))?.lane.status()
    if (lane !== undefined) stands.set(id, { cursor: lane.stands, state: lane.state, place: lane.place })
    else {
      const cursor = records.get(nameOf(id)) ?? null
      const state = cursor === null ? null : LaneState.decode(cursor.state)
      if (cursor !== null && state !== null) stands.set(id, { cursor, state, place: null })
    }
  }
  return stands
})

interface Found {
  readonly at: PlaceParts
  readonly entry: LogEntry
  readonly decoded: DecodedEntry
  readonly event: Event
  readonly timeUUID: string
}

const placesOf = Effect.fnUntraced(function* (
  ports: TracePorts,
  { process, past, marked }: Delivering,
  { at, entry, decoded, event, timeUUID }: Found,
): Effect.fn.Return<ReadonlyArray<EventAt>, StoreError> {
  const { log, deadLetters, destinations, attempts } = ports
  const { roster, watch } = process.steering
  const stands = yield* standsIn(ports, process, at.partition)
  const records = new Map((yield* destinations.list).map((record) => [record.id, record]))
  const { events } = yield* log.stats(at.partition, at.position)
  const placed: Placed = {
    ...{ position: at.position, index: at.index, ordinal: events - entry.events + at.index },
    arrivedAt: entry.appendedAt,
  }
  const places: Array<EventAt> = []
  for (const { id } of marked()) {
    const known = roster.all.get(id)
    if (known === undefined) continue
    const { destination, selection } = known
    const stand = stands.get(id) ?? null
    const record = records.get(id) ?? null
    const reason = selection.explain(event, at.index, decoded)
    const isDead = (stand?.state.dead ?? 0) > 0
    const rates = past.rates(id)
    const is = whereabouts(placed, {
      ...{ stand, reason, maxDelay: destination.batch.maxDelay, beginsNow: destination.from === "now" },
      letter: isDead ? yield* letterOf(deadLetters, id, timeUUID, entry.appendedAt) : null,
      disabled:
        record?.disabled ?? (destination.enabled ? null : { at: record?.createdAt ?? 0, reason: "by-hand" }),
      createdAt: record?.createdAt ?? null,
      selectionSince: record?.selection?.since ?? null,
      last: watch.lastOf(id),
      rate: rates.delivered + rates.filtered,
    })
    const { exportRule } = selection
    places.push({
      destination: id,
      is: is._tag === "Delivered" ? yield* deliveryOf(attempts, id, at) : is,
      leaves: reason === null ? leaves(decoded, event, at.index, exportRule) : null,
      fields:
        reason === null ? changedFields(decoded, event, at.index, exportRule) : { dropped: [], hashed: [] },
    })
  }
  return places
})

/** Finds the place of the event of an id. */
const placeOfId = Effect.fnUntraced(function* (log: EventLog["Service"], id: string) {
  if (!isTimeUUID(id)) return null
  const found = yield* findEvents(log, { id }, []).pipe(
    Effect.catchTag("InvalidOptions", Effect.die),
    Effect.flatMap((stream) => Stream.runCollect(Stream.filter(stream, (one) => "row" in one))),
  )
  const [first] = found
  return first !== undefined && "row" in first ? first.row[0] : null
})

/** One event, and where it is for each destination; for none where nobody delivers from here. */
export const trace = Effect.fnUntraced(function* (
  ports: TracePorts,
  delivering: Delivering | null,
  { place, id, whole = false }: { readonly place?: string; readonly id?: string; readonly whole?: boolean },
): Effect.fn.Return<EventTrace, UnknownEvent | StoreError> {
  const named = place ?? (id === undefined ? null : yield* placeOfId(ports.log, id))
  const at = named === null ? null : parsePlace(named)
  const entry = at === null ? null : yield* entryAt(ports.log, at.partition, at.position)
  const decoded = entry === null ? null : yield* readEntry(entry)
  const event = decoded?.events[at?.index ?? -1]
  const envelope = entry === null ? null : Result.getOrElse(readEnvelope(entry.envelope), () => null)
  if (at === null || entry === null || decoded === null || event === undefined || envelope === null) {
    return yield* new UnknownEvent()
  }
  const timeUUID = eventIds(decoded)(at.index)
  const came = cameTexts(entry)(at.index)
  const places =
    delivering === null ? [] : yield* placesOf(ports, delivering, { at, entry, decoded, event, timeUUID })
  const row = rowOf(at.partition, entry, decoded, at.index, delivering?.marked() ?? [])
  return {
    row,
    timeUUID,
    came: whole ? came : Utf8.cut(came, maxShown),
    bytes: Utf8.encode(came).length,
    request: {
      ...{ entryId: entry.id, index: at.index, of: decoded.events.length },
      receivedAt: envelope.receivedAt,
      offset: envelope.offset ?? 0,
      dialect: envelope.dialect === "log_event" ? "sdk" : "webhook",
      sdk: row[6],
      key: envelope.keyId ?? null,
    },
    places,
  }
})
