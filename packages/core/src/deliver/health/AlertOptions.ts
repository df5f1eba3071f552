import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { HttpUrl } from "../../base/httpUrl.ts"
import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { problemsOf } from "../../base/SchemaProblems.ts"
import * as Destination from "../../select/Destination.ts"
import { type Alert, kinds } from "./Alert.ts"

const { headers, tls, proxy, signing } = Destination.DestinationConfig.fields

const withDefault =
  <S extends Schema.Constraint>(value: S["Encoded"]) =>
  (self: S) =>
    Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(self)

/** Where alerts go, as the configuration says it: a webhook, with the options of one. */
export const AlertConfig = Schema.Struct({
  /** Private addresses are refused as those of destinations are. */
  url: HttpUrl,
  /** Which alerts: all of them by default. */
  on: Schema.Array(Schema.Literals(kinds)).pipe(withDefault([...kinds])),
  /** How old the oldest event that waits for a destination may be. */
  lag: Destination.Millis.check(
    Schema.isGreaterThanOrEqualTo(60_000, { expected: "1 minute at least" }),
  ).pipe(withDefault("15 minutes")),
  headers,
  tls,
  proxy,
  /** Which secrets sign the requests, as those of a destination are signed. */
  signing,
  /** Time for one attempt, from connecting to the end of the reply. */
  timeout: Destination.Millis.pipe(withDefault("10 seconds")),
})

export type AlertConfig = typeof AlertConfig.Type

/** Where alerts go, as a user writes it: only `url` is needed. */
export type AlertOptions = typeof AlertConfig.Encoded

/** Gets every alert, whatever `alerts` says. Errors of it are logged, and change nothing. */
export type OnAlert = (alert: Alert) => void | Promise<void>

const decodeConfig = Schema.decodeUnknownResult(AlertConfig, { errors: "all", onExcessProperty: "error" })

/** All mistakes at once: paths begin with `alerts`. */
export const decode = (options: AlertOptions): Result.Result<AlertConfig, ReadonlyArray<OptionProblem>> =>
  Result.mapError(decodeConfig(options), (error) => problemsOf(error, ["alerts"]))

/** The webhook that gets them. */
export const receiverOf = ({ on: _, lag: __, ...config }: AlertConfig): Destination.Destination =>
  Result.getOrThrow(Destination.decode({ id: "alerts", ...config }))
