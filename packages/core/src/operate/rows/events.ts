import * as Schema from "effect/Schema"
import { Count, Millis, Time } from "../../base/scalars.ts"
import { DeadReason } from "../../ports/DeadLetters.ts"
import { FilterReason } from "../../select/Filter.ts"
import { answering, telling } from "../Action.ts"
import { EventQuery, EventRow, Looked, Place } from "./place.ts"

/** Searches the log backwards, the newest first. */
export const EventSearch = Schema.Struct({
  ...EventQuery.fields,
  /** A `timeUUID`. */
  id: Schema.optionalKey(Schema.String),
  since: Schema.optionalKey(Time),
  until: Schema.optionalKey(Time),
  /** 100 by default, 1,000 at most. */
  limit: Schema.optionalKey(Count),
})

export type EventSearch = typeof EventSearch.Type

export const EventFound = Schema.Union([
  Schema.Struct({ progress: Looked }),
  Schema.Struct({ row: EventRow }),
  /** The last one. `isAll`: the whole of what is kept was looked at. */
  Schema.Struct({ done: Schema.Struct({ ...Looked.fields, isAll: Schema.Boolean }) }),
]).annotate({ identifier: "EventFound", description: "Progress, an event that was found, or the end." })

export type EventFound = typeof EventFound.Type

/** Where an event is, as far as one destination goes. */
export const Whereabouts = Schema.Union([
  /** The attempt's facts are `null` when it is no longer on record. */
  Schema.TaggedStruct("Delivered", {
    at: Schema.NullOr(Time),
    status: Schema.NullOr(Schema.Int),
    duration: Schema.NullOr(Millis),
    events: Schema.NullOr(Count),
    webhookId: Schema.NullOr(Schema.String),
  }),
  Schema.TaggedStruct("Filtered", { reason: FilterReason }),
  /** Looked at before the selection was changed: what the old one said is not on record. */
  Schema.TaggedStruct("PassedBefore", { changedAt: Time, wouldPass: Schema.Boolean }),
  /** In the batch that is being filled. */
  Schema.TaggedStruct("Filling", { within: Millis }),
  /** `about`: how long until its turn; `null` when nobody can tell. */
  Schema.TaggedStruct("Queued", { ahead: Count, about: Schema.NullOr(Millis) }),
  Schema.TaggedStruct("Failing", {
    ahead: Count,
    status: Schema.NullOr(Schema.Int),
    error: Schema.NullOr(Schema.String),
    nextAt: Schema.NullOr(Time),
  }),
  Schema.TaggedStruct("Paused", {
    reason: Schema.Literals(["gone", "by-hand", "unconfigured"]),
    since: Time,
    ahead: Count,
  }),
  /** Refused alone: tried once more when another event has passed. */
  Schema.TaggedStruct("HeldBack", {}),
  Schema.TaggedStruct("Dead", {
    reason: DeadReason,
    message: Schema.String,
    status: Schema.NullOr(Schema.Int),
    at: Time,
    replayedAt: Schema.NullOr(Time),
  }),
  /** It arrived before this destination began. */
  Schema.TaggedStruct("BeganLater", { began: Schema.NullOr(Time) }),
  /** The log dropped it before it was tried. */
  Schema.TaggedStruct("Lost", {}),
  /** An operator has put the cursor behind it: what was done before that is not on record. */
  Schema.TaggedStruct("Skipped", {}),
]).annotate({ identifier: "Whereabouts" })

export type Whereabouts = typeof Whereabouts.Type

export const EventAt = Schema.Struct({
  destination: Schema.String,
  is: Whereabouts,
  /** JSON text of the event as it would leave, or left; `null` when the filter leaves it out. */
  leaves: Schema.NullOr(Schema.String),
  /** What its field rules do, by path. */
  fields: Schema.Struct({ dropped: Schema.Array(Schema.String), hashed: Schema.Array(Schema.String) }),
})

export type EventAt = typeof EventAt.Type

export const EventTrace = Schema.Struct({
  row: EventRow,
  timeUUID: Schema.String,
  /** JSON text of the event as it came, cut at `maxShown` bytes: `bytes` says how long it is. */
  came: Schema.String,
  bytes: Count,
  request: Schema.Struct({
    entryId: Schema.String,
    /** The event's place in its request, from 0, and how many the request had. */
    index: Count,
    of: Count,
    receivedAt: Time,
    /** What was added to the times of a client whose clock was wrong. */
    offset: Millis,
    /** How it came: as SDKs send, or as the event webhook, a call or a row of an outbox has it. */
    dialect: Schema.Literals(["sdk", "webhook"]),
    sdk: Schema.String,
    key: Schema.NullOr(Schema.String),
  }),
  places: Schema.Array(EventAt),
}).annotate({ identifier: "EventTrace", description: "One event, and where it is for each destination." })

export type EventTrace = typeof EventTrace.Type

/** What a payload is cut at where it is shown. */
export const maxShown = 64 * 1024

export { FilterReason }

export const eventRows = {
  /** The events that match, the newest first, with how far was looked. */
  findEvents: telling({
    path: "events/find",
    summary: "Search the log backwards for events, and say how far was looked.",
    changes: false,
    input: EventSearch,
    event: EventFound,
    errors: ["InvalidOptions"],
    takes: (search: EventSearch) => search,
  }),

  /**
   * One event by its place or its `timeUUID`, and where it is for each destination. Fails with
   * `UnknownEvent` when it is not kept.
   */
  event: answering({
    path: "events/get",
    summary: "Show one event, and where it is for each destination.",
    changes: false,
    input: Schema.Struct({
      place: Schema.optionalKey(Place),
      id: Schema.optionalKey(Schema.String),
      /** Whole, however long. */
      whole: Schema.optionalKey(Schema.Boolean),
    }),
    output: EventTrace,
    errors: ["UnknownEvent"],
    takes: (which: { readonly place?: string; readonly id?: string; readonly whole?: boolean }) => which,
    gives: (trace) => trace,
  }),
} as const
