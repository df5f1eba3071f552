/**
 * The room of what needs none of the others, and is needed by several.
 *
 * What comes in and what goes out are values: nothing here holds a connection or a file, and
 * nothing asks for a port. This file has the main one of them, the event: as everybody sees it who
 * reads an entry, and as it may come in.
 *
 * `validate` checks events at the speed of compiled code; `json`, `jsonSize`, `exactJson`,
 * `WrittenNumber` and `nesting` are about JSON and its numbers, `utf8` and `hex` about texts,
 * `time` and `monotonic` about clocks. `Signature` signs and verifies. `slices` and `turns` put
 * long work down and take it up again. `InvalidOptions` and `SchemaProblems` say what is wrong with
 * options, `Telemetry` and `logOncePerMinute` what happens.
 *
 * Every room may call it, and it calls none.
 * Words: *strict* is what the OpenAPI document of the events API lets in, *lenient* what SDKs are
 * let in with; *exact* is a value with its numbers as they were written.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { isEmptyArray, isObject, type Json, type JsonObject } from "./json.ts"
import { readTime } from "./time.ts"
import * as Utf8 from "./utf8.ts"

export type { Json, JsonObject }

/**
 * One thing that happened, as every reader of an entry sees it: spellings, defaults, clock skew and
 * the request-level user are applied, nothing is exported yet.
 */
export interface Event {
  readonly eventName: string
  /** `{}` when none. */
  readonly user: JsonObject
  /** ms since the epoch, corrected for the sender's clock; may be fractional. */
  readonly time: number
  /** As it came; `null` when none. */
  readonly value: string | number | boolean | null
  /** `{}` when none. */
  readonly metadata: JsonObject
  /** The event's own, `{}` when none; the request's stands on the entry. */
  readonly statsigMetadata: JsonObject
  /** The id of an event that came as somebody had exported it: it was given there, and stays. */
  readonly timeUUID?: string | undefined
}

/**
 * The longest name of an event, in bytes of UTF-8: ten times as long as any that a site uses.
 * Caches keep names of events, so each may grow to this times the number of its names.
 */
export const maxEventNameBytes = 1024

// What may come in. The predicates of base/validate.ts say the same at the speed of compiled
// code, and a property test holds the two together: a change here is a change there.

const Text = Schema.String.annotate({ message: "expected a string" })

const NonEmptyText = Text.check(Schema.isNonEmpty({ message: "expected a non-empty string" }))

const EventName = NonEmptyText.check(
  Schema.makeFilter((name) => !Utf8.isLonger(name, maxEventNameBytes), {
    message: `longer than ${maxEventNameBytes} bytes`,
    // Characters are counted there, which are no more than the bytes they take.
    toJsonSchema: () => [{ maxLength: maxEventNameBytes }, true],
  }),
)

const expected = { message: "expected an object" }

type AnyObject = { readonly [key: string]: unknown }

/** Nothing in it is looked at: it may have a million members, and any is fine. */
const AnyObject = Schema.declare((value: unknown): value is AnyObject => isObject(value), {
  ...expected,
  // For documents.
  toCodecJson: () =>
    Schema.link<AnyObject>()(Schema.JsonObject, {
      decode: SchemaGetter.transform((json) => json),
      encode: SchemaGetter.transform((value) => value as JsonObject),
    }),
})

/** PHP writes an empty map as `[]`. */
const EmptyArray = Schema.declare(
  (value: unknown): value is ReadonlyArray<unknown> => isEmptyArray(value),
  expected,
)

/** JSON has no infinity, but `1e999` is read as one and cannot be written again. */
const number = (message: string) => Schema.Number.annotate({ message }).check(Schema.isFinite({ message }))

/** Any whole number: `format: int64` is a hint, not a rule. */
const Integer = number("expected an integer").check(
  Schema.makeFilter((value: number) => Number.isInteger(value), {
    message: "expected an integer",
    toJsonSchema: () => ({ type: "integer" }),
  }),
)

const required = { messageMissingKey: "missing" }

/**
 * The user object of the OpenAPI document: these fields are typed, others may stand beside them.
 */
const User = Schema.Struct({
  userID: Schema.optionalKey(Text),
  email: Schema.optionalKey(Text),
  custom: Schema.optionalKey(AnyObject),
  customIDs: Schema.optionalKey(
    Schema.Record(Schema.String, Text).annotate({ message: "expected an object" }),
  ),
}).annotate({ message: "expected an object" })

const strict = {
  user: User.annotateKey(required),
  eventName: EventName.annotateKey(required),
  time: Integer.annotateKey(required),
  value: Schema.optionalKey(
    Schema.Union([Schema.String, number("expected a string or a number")]).annotate({
      message: "expected a string or a number",
    }),
  ),
  metadata: Schema.optionalKey(AnyObject),
}

/**
 * `#/components/schemas/Event` of Statsig's OpenAPI document: an event as plain HTTP callers must
 * send it.
 */
export const StrictEvent = Schema.Struct(strict).annotate({ message: "expected an object" })

/**
 * The one event of the event webhook's single form. The docs show a timestamp there, and callers
 * leave it out.
 */
export const StrictSingleEvent = Schema.Struct({
  ...strict,
  time: Schema.optionalKey(Integer),
}).annotate({ message: "expected an object" })

/** `#/components/schemas/StatsigMetadata` of the OpenAPI document. */
export const StrictStatsigMetadata = Schema.Struct({
  sdkType: Schema.optionalKey(Text),
  sdkVersion: Schema.optionalKey(Text),
  sessionID: Schema.optionalKey(Text),
  stableID: Schema.optionalKey(Text),
}).annotate({ message: "expected an object" })

/**
 * What SDKs of all ages send: no user or `null`; no time, or one with decimals or as text; any flat
 * value; no metadata, `null` or `[]`. Refuses only what cannot be an event.
 */
export const LenientEvent = Schema.Struct({
  user: Schema.optionalKey(
    Schema.Union([AnyObject, Schema.Null, EmptyArray]).annotate({ message: "expected an object" }),
  ),
  eventName: EventName.annotateKey(required),
  time: Schema.optionalKey(
    Schema.Union([Schema.Null, number("expected a time"), Schema.String])
      .annotate({ message: "expected a time" })
      .check(
        Schema.makeFilter((value) => value === null || readTime(value) !== null, {
          message: "expected a time",
        }),
      ),
  ),
  value: Schema.optionalKey(
    Schema.Union([Schema.String, Schema.Number, Schema.Boolean, Schema.Null]).annotate({
      message: "expected a string or a number",
    }),
  ),
  metadata: Schema.optionalKey(
    Schema.Union([AnyObject, Schema.Null, EmptyArray]).annotate({ message: "expected an object" }),
  ),
}).annotate({ message: "expected an object" })
