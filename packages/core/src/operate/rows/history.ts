import * as Schema from "effect/Schema"
import { Count, Millis, Time } from "../../base/scalars.ts"
import { answering, Nothing } from "../Action.ts"
import { Category } from "./place.ts"

export const Range = Schema.Literals(["1h", "6h", "24h", "7d"])

export type Range = typeof Range.Type

/** A number for each bucket; `null` where nothing is known of it: before this process began. */
const Column = Schema.Array(Schema.NullOr(Schema.Finite))

const Buckets = {
  /** When the first bucket begins, how long each is, and since when this process counts. */
  from: Time,
  step: Millis,
  since: Time,
  /** Now: the last bucket runs until its end has come. */
  at: Time,
}

export const IntakeHistory = Schema.Struct({
  ...Buckets,
  /** Events. */
  stored: Column,
  rejected: Column,
  /** Requests. */
  refused: Column,
  /** Events stored a day before, from the counts by hour. */
  yesterday: Column,
}).annotate({ identifier: "IntakeHistory" })

export type IntakeHistory = typeof IntakeHistory.Type

export const DestinationHistory = Schema.Struct({
  ...Buckets,
  /** Attempts. */
  delivered: Column,
  failed: Column,
  /** ms until the reply: half of the attempts took less, and 95 of 100. */
  half: Column,
  most: Column,
  /** Events that waited, at the end of each bucket. */
  waiting: Column,
  /** ms: for how long the oldest of them had. */
  delay: Column,
  /** Events: looked at, sent, left out by the filter, dead. */
  events: Column,
  forwarded: Column,
  filtered: Column,
  dead: Column,
  /** ms spent waiting for the rate limit. */
  rateLimited: Column,
  /** The last failure of each bucket in words. */
  error: Schema.Array(Schema.NullOr(Schema.String)),
}).annotate({ identifier: "DestinationHistory" })

export type DestinationHistory = typeof DestinationHistory.Type

export const NameRow = Schema.Struct({
  eventName: Schema.String,
  category: Category,
  /** The last 24 hours. */
  volume: Count,
  /** By hour, the oldest first. */
  hours: Schema.Array(Count),
  /**
   * The last 3 hours against the same of the day before: 0.19 is 19 % more; `null` for few, and
   * where the day before was recorded in part.
   */
  change: Schema.NullOr(Schema.Finite),
}).annotate({ identifier: "EventName" })

export type NameRow = typeof NameRow.Type

export const Refusal = Schema.Struct({
  last: Time,
  count: Count,
  route: Schema.String,
  status: Schema.Int,
  message: Schema.String,
  /** The SDK's name and version, as it said it. */
  sdk: Schema.NullOr(Schema.String),
  /** How the key that was shown begins: "client-", "secret-"; `null` without one. */
  keyKind: Schema.NullOr(Schema.String),
}).annotate({ identifier: "RefusedRequests", description: "Requests refused alike, counted." })

export type Refusal = typeof Refusal.Type

export const historyRows = {
  intakeHistory: answering({
    path: "intake/history",
    summary: "Count what came in, by minutes.",
    changes: false,
    input: Schema.Struct({ range: Range }),
    output: IntakeHistory,
    errors: [],
    takes: (range: Range) => ({ range }),
    gives: (history) => history,
  }),

  destinationHistory: answering({
    path: "destinations/history",
    summary: "Count what was sent to a destination, by minutes.",
    changes: false,
    input: Schema.Struct({ id: Schema.String, range: Range }),
    output: DestinationHistory,
    errors: ["UnknownDestination"],
    takes: (id: string, range: Range) => ({ id, range }),
    gives: (history) => history,
  }),

  /** The names of the last day, by volume. */
  names: answering({
    path: "names/list",
    summary: "List event names with their volume of the last day.",
    changes: false,
    input: Schema.Struct({ limit: Schema.optionalKey(Count), contains: Schema.optionalKey(Schema.String) }),
    output: Schema.Struct({ names: Schema.Array(NameRow), total: Count }),
    errors: [],
    takes: (query: { readonly limit?: number; readonly contains?: string } = {}) => query,
    gives: ({ names }) => names,
  }),

  /** Requests that were answered with a 4xx since this process began: the last 100 kinds. */
  refusals: answering({
    path: "intake/refusals",
    summary: "List the requests that were refused, by kind.",
    changes: false,
    input: Nothing,
    output: Schema.Struct({ refusals: Schema.Array(Refusal) }),
    errors: [],
    takes: () => ({}),
    gives: ({ refusals }) => refusals,
  }),
} as const
