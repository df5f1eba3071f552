import { Attempts } from "@millrace/core"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/**
 * What an operator can ask of a store and of whoever runs on it: one table of operations, used by those who answer and by those who ask. Over HTTP each is
 * `POST /admin/v1/NAME` with a JSON body; a failure is `{message, status}` with that status.
 */

export const root = "/admin/v1/"

/** Bodies of requests: far above any destination's configuration, and above a selection of 10,000 ids. */
export const maxRequestBytes = 1024 * 1024

/** ms since the epoch. */
const Time = Schema.Finite

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What one reply lists at most: it is in memory as a whole. */
export const maxListed = 1000

const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxListed }))

const Nothing = Schema.Struct({})

const ById = Schema.Struct({ id: Schema.String })

/** The server that answers. */
export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Int,
  startedAt: Time,
  /** Where it takes events. */
  url: Schema.String,
})

export type Status = typeof Status.Type

const Disabled = Schema.Struct({
  at: Time,
  reason: Schema.Literals(["gone", "by-hand", "unconfigured"]),
})

export const DestinationRow = Schema.Struct({
  id: Schema.String,
  due: Schema.Int,
  delivered: Count,
  filtered: Count,
  dead: Count,
  trimmed: Count,
  pending: Schema.Int,
  sent: Count,
  failures: Count,
  failingSince: Schema.NullOr(Time),
  circuit: Schema.Literals(["closed", "open", "half-open"]),
  disabled: Schema.NullOr(Disabled),
  /** For how long the oldest event that is pending has been waiting (ms); `null` when none is. */
  lag: Schema.NullOr(Schema.Finite),
})

export type DestinationRow = typeof DestinationRow.Type

const DeadLetter = Schema.Struct({
  destination: Schema.String,
  eventId: Schema.String,
  reason: Schema.Literals(["invalid", "refused", "too-large", "poison", "unexportable", "expired"]),
  message: Schema.String,
  status: Schema.NullOr(Schema.Int),
  deadAt: Time,
  receivedAt: Time,
  eventName: Schema.String,
  event: Schema.String,
  replayedAt: Schema.NullOr(Time),
})

const selection = {
  eventIds: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Only letters that died before. */
  before: Schema.optionalKey(Time),
}

const DeadLetterSelection = Schema.Struct({
  destination: Schema.optionalKey(Schema.String),
  ...selection,
})

const DeadLetterReplay = Schema.Struct({
  replayed: Count,
  failed: Schema.Array(Schema.Struct({ eventId: Schema.String, message: Schema.String })),
  stopped: Schema.NullOr(Schema.String),
})

const Attempt = Schema.Struct({
  destination: Schema.String,
  webhookId: Schema.String,
  startedAt: Time,
  duration: Schema.Finite,
  events: Count,
  bytes: Count,
  outcome: Attempts.Outcome,
  status: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String),
  wait: Schema.NullOr(Schema.Finite),
  waitReason: Schema.NullOr(Schema.String),
})

/** Any number without decimals: a store filled by others, and a user's transform, may have made one that `Int` does not take. */
const Whole = Schema.Finite.check(Schema.makeFilter((value: number) => Number.isInteger(value)))

const WebhookEvent = Schema.Struct({
  eventName: Schema.String,
  user: Schema.JsonObject,
  userID: Schema.String,
  timestamp: Whole,
  value: Schema.String,
  metadata: Schema.JsonObject,
  statsigMetadata: Schema.JsonObject,
  timeUUID: Schema.String,
})

const DryRunReport = Schema.Struct({
  looked: Count,
  passed: Count,
  unexportable: Count,
  names: Schema.Array(Schema.Struct({ eventName: Schema.String, looked: Count, passed: Count })),
  examples: Schema.Array(WebhookEvent),
})

export const NewEvent = Schema.Struct({
  event: Schema.NonEmptyString,
  user: Schema.optionalKey(Schema.JsonObject),
  value: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
  metadata: Schema.optionalKey(Schema.JsonObject),
  timestamp: Schema.optionalKey(Time),
})

export const Check = Schema.Struct({
  name: Schema.String,
  /** `note`: worth knowing. `wrong`: somebody has to do something. */
  level: Schema.Literals(["ok", "note", "wrong"]),
  message: Schema.String,
})

export type Check = typeof Check.Type

export const TailInput = Schema.Struct({
  destination: Schema.optionalKey(Schema.String),
  names: Schema.optionalKey(Schema.Array(Schema.String)),
})

export type TailInput = typeof TailInput.Type

/** A line of the reply to `tail`, which goes on until either side ends it. */
export const Tailed = Schema.Union([
  Schema.Struct({ event: WebhookEvent }),
  Schema.Struct({ missed: Schema.Int }),
])

export type Tailed = typeof Tailed.Type

export const tailName = "tail"

type Shape = Schema.ConstraintDecoder<unknown>

const operation = <const I extends Shape, const O extends Shape>(input: I, output: O) => ({ input, output })

export const operations = {
  /** `null` when no server runs. */
  status: operation(Nothing, Schema.NullOr(Status)),
  doctor: operation(Nothing, Schema.Struct({ checks: Schema.Array(Check) })),
  "destinations/list": operation(Nothing, Schema.Struct({ destinations: Schema.Array(DestinationRow) })),
  /** A destination as the config file has it. */
  "destinations/add": operation(Schema.Struct({ destination: Schema.JsonObject }), Nothing),
  "destinations/remove": operation(ById, Nothing),
  "destinations/disable": operation(ById, Nothing),
  "destinations/enable": operation(ById, Nothing),
  "destinations/rewind": operation(
    Schema.Struct({ id: Schema.String, since: Time }),
    Schema.Struct({ events: Schema.Int }),
  ),
  "destinations/skip": operation(ById, Schema.Struct({ events: Schema.Int })),
  /** `filter`, `fields` and `exposures` as a destination has them. */
  "destinations/try-filter": operation(
    Schema.Struct({
      selection: Schema.JsonObject,
      limit: Schema.optionalKey(Count),
      examples: Schema.optionalKey(Count),
    }),
    DryRunReport,
  ),
  "dead-letters/list": operation(
    Schema.Struct({ ...DeadLetterSelection.fields, limit: Schema.optionalKey(Limit) }),
    Schema.Struct({
      letters: Schema.Array(DeadLetter),
      /** Whether there are more of them than were asked for. */
      more: Schema.Boolean,
    }),
  ),
  "dead-letters/replay": operation(
    Schema.Struct({ destination: Schema.String, ...selection }),
    DeadLetterReplay,
  ),
  "dead-letters/purge": operation(DeadLetterSelection, Schema.Struct({ purged: Count })),
  replay: operation(
    Schema.Struct({ destination: Schema.String, since: Time, until: Time }),
    Schema.Struct({ replay: Schema.String }),
  ),
  "attempts/list": operation(
    Schema.Struct({
      destination: Schema.optionalKey(Schema.String),
      failuresOnly: Schema.optionalKey(Schema.Boolean),
      limit: Schema.optionalKey(Limit),
    }),
    Schema.Struct({ attempts: Schema.Array(Attempt) }),
  ),
  send: operation(
    NewEvent,
    /** `null` when the server's `dedupe` has taken it for a repetition. */
    Schema.Struct({ timeUUID: Schema.NullOr(Schema.String) }),
  ),
} as const

export type Name = keyof typeof operations

export type Input<N extends Name> = (typeof operations)[N]["input"]["Type"]

export type Output<N extends Name> = (typeof operations)[N]["output"]["Type"]

/** Why an operation could not be done. `status` is that of an HTTP reply; `message` is for an operator, a line for each thing that is wrong. */
export class AdminError extends Data.TaggedError("AdminError")<{
  readonly status: number
  readonly message: string
}> {}

/** Nobody listens where the server's socket should be. */
export class NoServer extends Data.TaggedError("NoServer") {
  override get message(): string {
    return "no server runs on this store"
  }
}

/**
 * Does the operations, wherever it sits.
 *
 * @template E what besides can go wrong on the way there
 */
export interface Admin<E = never> {
  readonly call: <N extends Name>(name: N, input: Input<N>) => Effect.Effect<Output<N>, AdminError | E>
  /** What is accepted once the effect has returned, for as long as it is read. */
  readonly tail: (input: TailInput) => Effect.Effect<Stream.Stream<Tailed, AdminError>, AdminError | E>
}
