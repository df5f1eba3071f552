/**
 * The room of selection: what a destination gets, and in what form.
 *
 * What comes in are a destination's options as a user writes them, and later the events of an
 * entry; what goes out is whether it gets an event, and the bytes of the event as it is sent.
 *
 *     options ─ decode ─► Destination ─ compile ─┬─► filter      by name, and then by event
 *                                                └─► exportRule  event ─► JSON of a webhook event
 *
 * `Filter` decides by name, category and sample, `Where` by fields; `Export` gives an event the
 * form of Statsig's Generic Webhook (`WebhookEvent`), `Fields` takes personal data out or hashes
 * it, and `Catalog` knows what exposures alone do not tell. `exportedEvents` exports an entry once
 * for all lanes with one rule. `messages/` makes of events what people's tools show, and what
 * users' templates say; `requestHeaders` and `Secret` are what a request carries besides, and
 * `connection` is how it gets there. `glob` and `fieldPath` read patterns and paths; `partition`
 * deals requests.
 *
 * Delivery, dry runs and the live view compile a selection once and call it for every event, so
 * that all three agree. Nothing of it waits, and an event that cannot be exported is a value,
 * `ExportError`.
 * Words: a *selection* is filter and form together; a *rule* is one condition of `where`; a *view*
 * is an event as it will be exported, read field by field.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Event } from "../base/Event.ts"
import { expectedHttpUrl, isHttpUrl } from "../base/httpUrl.ts"
import type { OptionProblem } from "../base/InvalidOptions.ts"
import { type Path, pathText, problemsOf } from "../base/SchemaProblems.ts"
import { standardKey } from "../base/Signature.ts"
import type { Catalog } from "./Catalog.ts"
import { HttpProxy, Tls } from "./connection.ts"
import * as Export from "./Export.ts"
import { Fields, type Hash } from "./Fields.ts"
import { type CompiledFilter, compile as compileFilter, type Explain, explain, Filter } from "./Filter.ts"
import { Format } from "./messages/Format.ts"
import * as Template from "./messages/template.ts"
import { RequestHeaders } from "./requestHeaders.ts"

const withDefault =
  <S extends Schema.Constraint>(value: S["Encoded"]) =>
  (self: S) =>
    Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(self)

const isDurationText = (text: string): boolean => {
  const duration = Duration.fromInput(text as Duration.Input)
  return (
    Option.isSome(duration) && Duration.isFinite(duration.value) && Duration.toMillis(duration.value) >= 0
  )
}

/** ms, or text like `"500 millis"`, `"1.5 seconds"`, `"3 days"`; never negative. */
export const Millis = Schema.Union([
  Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  Schema.String.check(
    Schema.makeFilter((text) => isDurationText(text) || 'expected a duration like "500 millis" or "3 days"'),
  ),
]).pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((input: number | string) =>
      Duration.toMillis(Duration.fromInputUnsafe(input as Duration.Input)),
    ),
    encode: SchemaGetter.transform((millis: number): number | string => millis),
  }),
)

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/**
 * Dots are allowed, though Standard Webhooks forbids them in what is signed: a `webhook-id` is a
 * hash of this id, never the id itself. Slashes are not, since they part the names of cursors.
 * Letters in two cases are two ids.
 */
const DestinationId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    expected: "1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
  }),
  Schema.makeFilter((id) => id !== "intake" || "this id is taken: it is where events refused on arrival go"),
)

const scheme = /^([a-z][a-z0-9+.-]*):/i

/** Which schemes there are depends on the kinds that a program has. */
const DestinationUrl = Schema.String.check(
  Schema.makeFilter((text) => {
    const [, name] = scheme.exec(text) ?? []
    if (name === undefined) return expectedHttpUrl
    return !/^https?$/i.test(name) || isHttpUrl(text) || expectedHttpUrl
  }),
)

/** When a batch is closed: as soon as one of the three is reached. */
export const BatchLimits = Schema.Struct({
  /** 500 by default. */
  maxEvents: Count.pipe(withDefault(500)),
  /**
   * Bytes of the body as sent, 1048576 by default: what most receivers' body parsers let in. An
   * event larger than this goes alone.
   */
  maxBytes: Count.pipe(withDefault(1_048_576)),
  /** From the first event of the batch on: `"1 second"` by default. */
  maxDelay: Millis.pipe(withDefault("1 second")),
})

export type BatchLimits = typeof BatchLimits.Type

export const RetryPolicy = Schema.Struct({
  /**
   * The ceiling of the first wait, `"1 second"` by default; it doubles with each failure in a row.
   */
  first: Millis.pipe(withDefault("1 second")),
  /** The ceiling of all waits: `"1 hour"` by default. */
  max: Millis.pipe(withDefault("1 hour")),
  /**
   * For how long it may fail before its events expire: `"7 days"` by default, long enough for a
   * receiver's outage over holidays.
   */
  giveUpAfter: Millis.pipe(withDefault("7 days")),
})

export type RetryPolicy = typeof RetryPolicy.Type

const StandardWebhooksSecret = Schema.String.check(
  Schema.makeFilter(
    (secret) => standardKey(secret) !== null || 'expected "whsec_" and 24 to 64 bytes in base64',
  ),
)

/** Which secrets sign the requests; both kinds at once if both are set. */
export const Signing = Schema.Struct({
  /** `whsec_` and base64; several during a rotation: each signs. None by default. */
  standardWebhooks: Schema.Array(StandardWebhooksSecret).pipe(withDefault([])),
  /** The secret of Statsig's `v0` signature; `null` by default. */
  statsig: Schema.NullOr(Schema.NonEmptyString).pipe(withDefault(null)),
})

/** A hundred batches of 1 MiB are as much as one destination may hold in memory. */
const Concurrency = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))

const Rate = Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0)))

/**
 * What a receiver can take, per second; `null` for no limit. Where several processes deliver, each
 * keeps to the part that its partitions are of all; dead letters that are replayed by hand where
 * none of them runs come on top of it.
 */
export const RateLimit = Schema.Struct({
  /** A second; `null` by default. */
  events: Rate.pipe(withDefault(null)),
  /** A second; `null` by default. */
  requests: Rate.pipe(withDefault(null)),
})

/** Which events, and in what form. */
const selection = {
  /** Which events it gets; all but `internal` ones by default. */
  filter: Filter.pipe(withDefault({})),
  /** Which personal data leaves: all of it by default. */
  fields: Fields.pipe(withDefault({})),
  /**
   * Where an exposure's details stand: as the Event Webhook document says, in `statsigMetadata`, by
   * default, or as Statsig's newer documents do.
   */
  exposures: Schema.Literals(["statsigMetadata", "metadata"]).pipe(withDefault("statsigMetadata")),
}

/** Where events go, as the configuration says it; every default is spelled out here. */
export const DestinationConfig = Schema.Struct({
  /** Its name: 1 to 64 letters, digits, dots, dashes or underscores. */
  id: DestinationId,
  /** Its scheme says what kind of destination this is: `https:` and `http:` are webhooks. */
  url: DestinationUrl,
  /** `true` by default; `false` stops it from the start, and its place stays. */
  enabled: Schema.Boolean.pipe(withDefault(true)),
  /**
   * Where a new destination begins: with what comes from `"now"` on, by default, or with the oldest
   * entry kept.
   */
  from: Schema.Literals(["now", "earliest"]).pipe(withDefault("now")),
  ...selection,
  /** When a batch is closed. */
  batch: BatchLimits.pipe(withDefault({})),
  /** The form of a request's body: `"array"` by default. */
  format: Format.pipe(withDefault("array")),
  /**
   * What requests carry besides, nothing by default; values may stand in the environment or in
   * files.
   */
  headers: RequestHeaders.pipe(withDefault({})),
  /**
   * `gzip`: requests say so in `content-encoding`, and the signature is under the bytes as sent.
   * `null` by default.
   */
  compress: Schema.NullOr(Schema.Literals(["gzip"])).pipe(withDefault(null)),
  /**
   * Authorities and certificates of one's own; `null`, those that everybody believes, by default.
   */
  tls: Schema.NullOr(Tls).pipe(withDefault(null)),
  /** The HTTP proxy that requests leave by; `null` by default. */
  proxy: Schema.NullOr(HttpProxy).pipe(withDefault(null)),
  /** Which secrets sign the requests: none by default. */
  signing: Signing.pipe(withDefault({})),
  /** How patiently it is tried. */
  retry: RetryPolicy.pipe(withDefault({})),
  /** How fast it gets events: without a limit by default. */
  rateLimit: RateLimit.pipe(withDefault({})),
  /** Time for one attempt, from connecting to the end of the reply: `"30 seconds"` by default. */
  timeout: Millis.pipe(withDefault("30 seconds")),
  /**
   * How many requests may be under way at once in each partition, 1 by default: users are dealt to
   * so many of them, so that the order of each user's events is kept.
   */
  concurrency: Concurrency.pipe(withDefault(1)),
})

export type DestinationConfig = typeof DestinationConfig.Type

/** What only TypeScript can say of a destination. */
export interface DestinationCode {
  /** Asked about every event that the filter lets through; must be pure. */
  readonly predicate?: (event: Event) => boolean
  /**
   * Changes each event after `fields` have been applied, just before it is sent; gets a copy of its
   * own, must be pure and return a whole event. An event on which it throws, or for which it
   * returns something else, is not sent: it becomes a dead letter, which can be replayed.
   */
  readonly transform?: Export.Transform
}

/** A destination as a user writes it: only `id` and `url` are needed. */
export type DestinationOptions = typeof DestinationConfig.Encoded & DestinationCode

export type Destination = DestinationConfig & DestinationCode

/** Bytes. A shorter key could be guessed from the hashes of known values. */
export const minHashKey = 16

/** What is wrong with the key that `fields.hash` hashes with. */
export const hashKeyProblems = (hashKey: Uint8Array | undefined): ReadonlyArray<OptionProblem> =>
  hashKey === undefined || hashKey.length >= minHashKey
    ? []
    : [{ path: "hashKey", message: `expected ${minHashKey} bytes at least` }]

type Problems = ReadonlyArray<OptionProblem>

/** The schemes of the kinds that are always there, with their colons. */
export const webhookSchemes: ReadonlyArray<string> = ["https:", "http:"]

const urlProblem = (url: string, schemes: ReadonlyArray<string>): string | null => {
  // What is no URL has been said already.
  if (!scheme.test(url)) return null
  const own = url.slice(0, url.indexOf(":") + 1).toLowerCase()
  if (schemes.includes(own)) return null
  return schemes.length > webhookSchemes.length
    ? `expected a URL that begins with one of ${schemes.join(", ")}`
    : expectedHttpUrl
}

/**
 * A {@link DestinationConfig} whose URL has one of these schemes, for a configuration that says of
 * each mistake where it stands.
 */
export const configFor = (schemes: ReadonlyArray<string>): typeof DestinationConfig =>
  Schema.Struct({
    ...DestinationConfig.fields,
    url: DestinationUrl.check(Schema.makeFilter((url) => urlProblem(url, schemes) ?? true)),
  })

const decoderFor = (schemes: ReadonlyArray<string>) =>
  Schema.decodeUnknownResult(configFor(schemes), { errors: "all", onExcessProperty: "error" })

/** Decodes what Schema can say, adds what only code can, and what takes both to see. */
const decodeWith = <A extends { readonly fields: Fields }>(
  decode: (input: unknown) => Result.Result<A, Schema.SchemaError>,
  { predicate, transform, ...config }: DestinationCode,
  hashKey: Uint8Array | undefined,
  root: Path,
): Result.Result<A & DestinationCode, Problems> => {
  const decoded = decode(config)
  const problems: Array<OptionProblem> = []
  for (const [name, code] of Object.entries({ predicate, transform })) {
    if (code !== undefined && typeof code !== "function") {
      problems.push({ path: pathText([...root, name]), message: "expected a function" })
    }
  }
  if (Result.isFailure(decoded)) return Result.fail([...problemsOf(decoded.failure, root), ...problems])
  if (decoded.success.fields.hash.length > 0 && hashKey === undefined) {
    problems.push({ path: pathText([...root, "fields", "hash"]), message: "needs the option hashKey" })
  }
  if (problems.length > 0) return Result.fail(problems)
  return Result.succeed({
    ...decoded.success,
    ...(predicate === undefined ? {} : { predicate }),
    ...(transform === undefined ? {} : { transform }),
  })
}

/** What a template makes of an event goes by itself. */
const alone = (destination: Destination): Destination =>
  typeof destination.format === "string"
    ? destination
    : { ...destination, batch: { ...destination.batch, maxEvents: 1 } }

/**
 * One destination, or all its mistakes.
 *
 * @param schemes those of the kinds there are
 */
export const decode = (
  options: DestinationOptions,
  hashKey?: Uint8Array,
  schemes: ReadonlyArray<string> = webhookSchemes,
): Result.Result<Destination, Problems> =>
  Result.map(decodeWith(decoderFor(schemes), options, hashKey, []), alone)

/**
 * All destinations of a configuration, or all its mistakes: paths begin with `destinations[n]`.
 *
 * @param hashKey what `fields.hash` hashes with: a destination that hashes needs it
 * @param schemes those of the kinds there are
 */
export const decodeAll = (
  options: ReadonlyArray<DestinationOptions>,
  hashKey?: Uint8Array,
  schemes: ReadonlyArray<string> = webhookSchemes,
): Result.Result<ReadonlyArray<Destination>, Problems> => {
  const problems: Array<OptionProblem> = []
  const destinations: Array<Destination> = []
  const decodeConfig = decoderFor(schemes)
  options.forEach((config, index) => {
    const decoded = decodeWith(decodeConfig, config, hashKey, ["destinations", index])
    if (Result.isFailure(decoded)) problems.push(...decoded.failure)
    else destinations.push(alone(decoded.success))
    const first = options.findIndex(({ id }) => id === config.id)
    if (first < index) {
      problems.push({
        path: `destinations[${index}].id`,
        message: `the same as that of destinations[${first}]`,
      })
    }
  })
  return problems.length > 0 ? Result.fail(problems) : Result.succeed(destinations)
}

export const SelectionConfig = Schema.Struct(selection)

/** What decides which events a destination gets, and in what form; all of it may be left out. */
export type SelectionOptions = typeof SelectionConfig.Encoded & DestinationCode

export type Selection = typeof SelectionConfig.Type & DestinationCode

const decodeSelectionConfig = Schema.decodeUnknownResult(SelectionConfig, {
  errors: "all",
  onExcessProperty: "error",
})

/** A selection, or all its mistakes. */
export const decodeSelection = (
  options: SelectionOptions,
  hashKey?: Uint8Array,
): Result.Result<Selection, Problems> => decodeWith(decodeSelectionConfig, options, hashKey, [])

/** A {@link Selection}, compiled: one for all lanes of a destination. */
export interface CompiledSelection {
  readonly filter: CompiledFilter
  /** Why the filter leaves an event out. */
  readonly explain: Explain
  readonly exportRule: Export.ExportRule
}

/** @throws TypeError when the selection hashes fields and there is nothing to hash with */
export const compile = (
  { filter, fields, exposures, predicate, transform }: Selection,
  hash: Hash | null,
  catalog: () => Catalog,
  sent: Pick<Export.ExportOptions, "form" | "template"> = {},
): CompiledSelection => ({
  filter: compileFilter(filter, { predicate, exposures, catalog }),
  explain: (...event) => explain(filter, { predicate, exposures, catalog })(...event),
  exportRule: Export.rule({ exposures, fields, transform, ...sent }, hash, catalog),
})

/** How the format of a destination changes its events, where it does. */
export const templateOf = ({
  format,
}: Pick<Destination, "format">): NonNullable<Export.ExportOptions["template"]> | null => {
  if (typeof format === "string") return null
  const render = Result.getOrThrow(Template.compile(format.template))
  return { render, key: JSON.stringify(format.template) }
}
