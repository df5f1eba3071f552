import * as Schema from "effect/Schema"
import { Count, Millis, Time } from "../../base/scalars.ts"
import { Outcome } from "../../ports/Attempts.ts"
import { telling } from "../Action.ts"
import { DestinationRow } from "./destinationRow.ts"
import { Job } from "./jobs.ts"
import { EventQuery, EventRow } from "./place.ts"

export const StreamRequest = Schema.Struct({
  topics: Schema.Array(Schema.Literals(["status", "live"])),
  live: Schema.optionalKey(
    Schema.Struct({
      ...EventQuery.fields,
      /** What was refused on arrival instead. */
      rejected: Schema.optionalKey(Schema.Boolean),
    }),
  ),
})

export type StreamRequest = typeof StreamRequest.Type

/** How a destination is doing, with what only the process that delivers knows of it. */
export const DestinationNow = Schema.Struct({
  ...DestinationRow.fields,
  /** With its secrets masked, as `destinations/get` shows it. */
  url: Schema.String,
  /** `configured`: file, flags or code have it, and it is changed there. */
  origin: Schema.Literals(["configured", "added"]),
  /** What its filter gets, in a sentence without its full stop. */
  selects: Schema.String,
  /** Events delivered, and left out by the filter, a second, over the last minute. */
  rate: Schema.Finite,
  filterRate: Schema.Finite,
  /** Most events a second that its rate limit allows; `null` without one. */
  limit: Schema.NullOr(Schema.Finite),
  /** When what waits is tried next, and why then; `null` when nothing waits for that. */
  nextAt: Schema.NullOr(Time),
  waitReason: Schema.NullOr(Schema.String),
  /** What the last attempt brought. */
  lastOutcome: Schema.NullOr(Outcome),
  lastStatus: Schema.NullOr(Schema.Int),
  lastError: Schema.NullOr(Schema.String),
  lastDuration: Schema.NullOr(Millis),
  /** About how many of those pending its filter will let pass; `null` when nobody can tell. */
  willSend: Schema.NullOr(Count),
  /** When its failing batch is given up; `null` when it is not failing, or never is. */
  givesUpAt: Schema.NullOr(Time),
}).annotate({ identifier: "DestinationNow" })

export type DestinationNow = typeof DestinationNow.Type

/** What flows, every 2 s. */
export const StatusNow = Schema.Struct({
  at: Time,
  startedAt: Time,
  destinations: Schema.Array(DestinationNow),
  intake: Schema.Struct({
    /** Events a second, over the last 10 s. */
    rate: Schema.Finite,
    /** Since midnight UTC, or since this process began. */
    stored: Count,
    rejected: Count,
    /** Requests answered with a 4xx: in all, and of the last 15 minutes those with a wrong key. */
    refused: Count,
    wrongKeys: Count,
    isFirstRun: Schema.Boolean,
  }),
  store: Schema.Struct({
    /** Why it takes nothing; `null` when it does. */
    problem: Schema.NullOr(Schema.String),
    problemSince: Schema.NullOr(Time),
    durability: Schema.String,
    /** Bytes of the log, and the most that it takes; `null` where nobody can tell. */
    bytes: Schema.NullOr(Count),
    cap: Schema.NullOr(Count),
    events: Count,
    oldestAt: Schema.NullOr(Time),
    keepFor: Schema.NullOr(Millis),
  }),
  deadLetters: Schema.Record(Schema.String, Count),
  jobs: Schema.Array(Job),
}).annotate({ identifier: "StatusNow" })

export type StatusNow = typeof StatusNow.Type

/** What has arrived since the frame before: every 250 ms. */
export const Frame = Schema.Struct({
  at: Time,
  /** Events that arrived, matched what was asked for, and were looked at to say so. */
  arrived: Count,
  matched: Count,
  looked: Count,
  /** Frames that this view was too slow for. */
  missed: Count,
  rows: Schema.Array(EventRow),
  /** The ids that marks stand for, in their order. */
  ids: Schema.Array(Schema.String),
  /** How far each destination has come in each partition. */
  cursors: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  /** Destination and `timeUUID` of what died meanwhile: rows have the same id. */
  dead: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
}).annotate({ identifier: "Frame" })

export type Frame = typeof Frame.Type

export const Streamed = Schema.Union([
  Schema.Struct({ status: StatusNow }),
  Schema.Struct({ frame: Frame }),
]).annotate({ identifier: "Streamed" })

export type Streamed = typeof Streamed.Type

export const streamRows = {
  /** What flows, and what arrives, for as long as it is read. */
  stream: telling({
    path: "stream",
    summary: "Tell what flows, and what arrives, as it happens.",
    changes: false,
    input: StreamRequest,
    event: Streamed,
    errors: ["NotDelivering", "TooManyViews"],
    takes: (request: StreamRequest) => request,
  }),
} as const
