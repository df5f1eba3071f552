import * as Schema from "effect/Schema"
import { Count, Millis, Time } from "../../base/scalars.ts"
import { Attempt, Outcome } from "../../ports/Attempts.ts"
import type { DestinationOptions } from "../../select/Destination.ts"
import { answering, Nothing } from "../Action.ts"
import { WrittenChanges, WrittenDestination } from "./written.ts"

const ById = Schema.Struct({ id: Schema.String })

const byId = (id: string) => ({ id })

const nothing = (): void => {}

/** A signing secret as it may be shown. */
export const SecretHint = Schema.Struct({
  kind: Schema.Literals(["standardWebhooks", "statsig"]),
  /** Its last four characters. */
  hint: Schema.String,
})

export type SecretHint = typeof SecretHint.Type

export const DestinationDetail = Schema.Struct({
  id: Schema.String,
  /** The configuration as JSON, its defaults spelled out; secrets and header values are masked. */
  config: Schema.JsonObject,
  /** The configuration as JSON with its defaults; secrets and values of headers are masked. */
  selects: Schema.String,
  secrets: Schema.Array(SecretHint),
  /** `configured`: file, flags or code have it, and it is changed there. */
  origin: Schema.Literals(["configured", "added"]),
  /** Whether code decides, besides what the configuration says. */
  hasCode: Schema.Boolean,
  createdAt: Schema.NullOr(Time),
  /** When the selection was changed last; `null` when it never was, as far as is known. */
  selectionSince: Schema.NullOr(Time),
  /** Names this state of it: a change says which one it was made from. */
  revision: Schema.String,
}).annotate({ identifier: "DestinationDetail" })

export type DestinationDetail = typeof DestinationDetail.Type

/**
 * Phases of one attempt; `null` for those that nobody has measured. Where `dns` and `tls` are not
 * told apart they are part of `connect`, which is about 0 on a connection that was open already.
 */
export const Timing = Schema.Struct({
  dns: Schema.NullOr(Millis),
  connect: Schema.NullOr(Millis),
  tls: Schema.NullOr(Millis),
  firstByte: Schema.NullOr(Millis),
}).annotate({ identifier: "Timing" })

export type Timing = typeof Timing.Type

export const TestDelivery = Schema.Struct({
  outcome: Outcome,
  status: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String),
  headers: Schema.Record(Schema.String, Schema.String),
  /** The first KiB. */
  body: Schema.String,
  duration: Millis,
  timing: Schema.NullOr(Timing),
  /** The receiver's, as it was resolved. */
  address: Schema.NullOr(Schema.String),
  /** What to do about it, in a sentence. */
  advice: Schema.String,
  /** What was sent. */
  request: Schema.Struct({ headers: Schema.Record(Schema.String, Schema.String), body: Schema.String }),
}).annotate({ identifier: "TestDelivery", description: "What a receiver answered to one test event." })

export type TestDelivery = typeof TestDelivery.Type

export const AttemptDetail = Schema.Struct({
  attempt: Attempt,
  /** Made anew from the log by the rules of today; `null` where that cannot be done. */
  request: Schema.NullOr(
    Schema.Struct({
      headers: Schema.Record(Schema.String, Schema.String),
      /** Its events as a JSON array, up to the one that makes it longer than 64 KiB. */
      body: Schema.String,
      /** How many of the events are in the body. */
      events: Count,
    }),
  ),
}).annotate({ identifier: "AttemptDetail" })

export type AttemptDetail = typeof AttemptDetail.Type

export const destinationRows = {
  /**
   * One destination's configuration, without its secrets. Fails with `NotDelivering` where it is
   * known to servers only: by their files, flags and code; with `InvalidOptions` when one that was
   * added cannot be run here.
   */
  destination: answering({
    path: "destinations/get",
    summary: "Show a destination's configuration, without its secrets.",
    changes: false,
    input: ById,
    output: DestinationDetail,
    errors: ["UnknownDestination", "NotDelivering", "InvalidOptions"],
    takes: byId,
    gives: (detail) => detail,
  }),

  /**
   * Changes some keys of a destination that was added; it goes on where it stands, by the new ones.
   * Secrets and headers stay when they are not named. Fails with `ChangedMeanwhile` when `expected`
   * is not its revision any more.
   */
  changeDestination: answering({
    path: "destinations/change",
    summary: "Change a destination that was added: it goes on where it stands.",
    changes: true,
    input: Schema.Struct({ id: Schema.String, changes: WrittenChanges, expected: Schema.String }),
    output: Schema.Struct({ revision: Schema.String }),
    errors: ["UnknownDestination", "DestinationConfigured", "ChangedMeanwhile", "InvalidOptions"],
    takes: (id: string, changes: Partial<DestinationOptions>, expected: string) => ({
      id,
      changes,
      expected,
    }),
    gives: ({ revision }) => revision,
  }),

  /**
   * Sends one event to a destination, or to one that is not added yet: signed, marked as a test,
   * counted nowhere. With both `id` and `destination`, to the one as it would be with these keys
   * changed.
   */
  testDestination: answering({
    path: "destinations/test",
    summary: "Send one test event to a destination, and say what it answered.",
    changes: true,
    input: Schema.Struct({
      id: Schema.optionalKey(Schema.String),
      destination: Schema.optionalKey(WrittenDestination),
    }),
    output: TestDelivery,
    errors: ["UnknownDestination", "InvalidOptions", "NotDelivering"],
    takes: (which: { readonly id?: string; readonly destination?: DestinationOptions }) => which,
    gives: (delivery) => delivery,
  }),

  /** Tries what waits for a destination at once, as after a restart. */
  tryNow: answering({
    path: "destinations/try-now",
    summary: "Try at once what waits for a destination.",
    changes: true,
    input: ById,
    output: Nothing,
    errors: ["UnknownDestination", "NotDelivering"],
    takes: byId,
    gives: nothing,
  }),

  /**
   * Makes a new signing secret, which is shown this once. Both sign until the old one is retired;
   * fails with `InvalidOptions` when five do already.
   */
  createSecret: answering({
    path: "secrets/create",
    summary: "Make a new signing secret, shown this once.",
    changes: true,
    input: ById,
    output: Schema.Struct({ secret: Schema.String, hint: Schema.String }),
    errors: ["UnknownDestination", "DestinationConfigured", "InvalidOptions"],
    takes: byId,
    gives: (created) => created,
  }),

  retireSecret: answering({
    path: "secrets/retire",
    summary: "Sign no longer with one of a destination's secrets.",
    changes: true,
    input: Schema.Struct({ id: Schema.String, hint: Schema.String }),
    output: Nothing,
    errors: ["UnknownDestination", "DestinationConfigured", "InvalidOptions"],
    takes: (id: string, hint: string) => ({ id, hint }),
    gives: nothing,
  }),

  /** One attempt: what was sent, made anew, and what came back. */
  attempt: answering({
    path: "attempts/get",
    summary: "Show one attempt: what was sent, and what came back.",
    changes: false,
    input: Schema.Struct({
      destination: Schema.String,
      webhookId: Schema.String,
      startedAt: Time,
    }),
    output: AttemptDetail,
    errors: ["UnknownAttempt"],
    takes: (which: {
      readonly destination: string
      readonly webhookId: string
      readonly startedAt: number
    }) => which,
    gives: (detail) => detail,
  }),
} as const
