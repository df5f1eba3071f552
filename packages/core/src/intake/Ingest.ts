import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { hex } from "../base/hex.ts"
import { InvalidOptions, type OptionProblem } from "../base/InvalidOptions.ts"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import type * as Signature from "../base/Signature.ts"
import * as Telemetry from "../base/Telemetry.ts"
import * as Spans from "../base/tracing/Spans.ts"
import { inTurns } from "../base/turns.ts"
import { timeUUIDs } from "../entry/TimeUUID.ts"
import { Codec } from "../ports/Codec.ts"
import type { Counters } from "../ports/Counters.ts"
import * as DeadLetters from "../ports/DeadLetters.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import { EntryIds } from "../ports/EntryIds.ts"
import { type EntryId, EventLog, type NewEntry, sizeOf } from "../ports/EventLog.ts"
import type { Keys } from "../ports/Keys.ts"
import { StoreError } from "../ports/StoreError.ts"
import { StoreTrouble } from "../ports/StoreTrouble.ts"
import { partitionOf } from "../select/partition.ts"
import type { AuthenticationOptions } from "./authentication.ts"
import * as Authentication from "./authentication.ts"
import { makeDamage } from "./damage.ts"
import { makeDedupe } from "./dedupe.ts"
import { IntakeWatch, type Noticed } from "./IntakeWatch.ts"
import { defaultLimits, type IngestLimits, limitProblems, limitsOf } from "./ingestLimits.ts"
import * as IntakeMeters from "./intakeMeters.ts"
import type { HashedKey, Principal } from "./keyRing.ts"
import { makeNameCounts } from "./nameCounts.ts"
import * as Wire from "./Wire.ts"

export interface IngestOptions extends AuthenticationOptions {
  /**
   * `"auto"` by default: SDKs get the tolerance they need, everybody else is held to the OpenAPI
   * document.
   */
  readonly validation?: Wire.Validation
  /**
   * Requests with the same key and the same decompressed body within the window are one. Off by
   * default: SDKs re-send without any id, but two identical webhook calls may both be meant. Per
   * process.
   */
  readonly dedupe?: { readonly window: Duration.Input }
  /** {@link defaultLimits} by default. */
  readonly limits?: Partial<IngestLimits>
}

export { type AuthenticationOptions, keyProblems } from "./authentication.ts"
export type { IntakeWatch, Noticed, Principal }
export { defaultLimits, type IngestLimits }

/** What became of a request that was not refused. */
export interface Receipt {
  /** `null` when there was nothing to store, and for a duplicate. */
  readonly entryId: EntryId | null
  /** How many events were accepted: they are safe at the log's declared level. */
  readonly events: number
  readonly duplicate: boolean
  /** The first {@link Wire.mostDescribed} of the events that were refused. */
  readonly rejected: ReadonlyArray<Wire.RejectedEvent>
  /** How many were refused, described or not. */
  readonly rejectedCount: number
}

/**
 * - `Refused`: the request can never be accepted as it is.
 * - `Overloaded`: {@link IngestLimits.inFlightBytes} of others wait for the store.
 * - `StoreFailed`: nothing was acknowledged; the same request may be sent again.
 */
export type IngestReason =
  | { readonly _tag: "Refused"; readonly status: 400 | 413; readonly message: string }
  | { readonly _tag: "Overloaded" }
  | { readonly _tag: "StoreFailed"; readonly error: StoreError }

const messageOf = (reason: IngestReason): string => {
  switch (reason._tag) {
    case "Refused":
      return reason.message
    case "Overloaded":
      return "too many requests at once"
    case "StoreFailed":
      return reason.error.message
  }
}

export class IngestError extends Data.TaggedError("IngestError")<{ readonly reason: IngestReason }> {
  override get message(): string {
    return messageOf(this.reason)
  }
}

/**
 * Events since this process began: `received = stored + rejected + duplicate + failed` at any time.
 *
 * Events of a request that waits for the store are not received yet; those of a body that cannot be
 * read are never known.
 */
export interface IntakeLedger extends Readonly<Record<Telemetry.IntakeOutcome, number>> {
  readonly received: number
}

/** Takes events in: authenticate, decode, admit, append, receipt. `HttpIngest` is its HTTP side. */
export class Ingest extends Context.Service<
  Ingest,
  {
    readonly limits: IngestLimits
    /** For {@link IngestHead}: how strictly requests are held to the events API document. */
    readonly validation: Wire.Validation
    /**
     * Finds whose a key is, `null` when it may not do this. How long it takes does not tell how
     * much of a key is right.
     */
    readonly authenticate: (key: string | null, use: Wire.Dialect) => Principal | null
    /**
     * Finds who has signed a request of the event webhook, `now` in ms; `null` when {@link
     * IngestOptions.receive} has no secret. Takes as long for a wrong signature as for a right one.
     */
    readonly authenticateSigned:
      | ((
          message: Signature.ReceivedMessage,
          now: number,
        ) => Result.Result<Principal, Signature.SignatureError>)
      | null
    /**
     * Stores what a decompressed body holds; events refused one by one become dead letters. Once
     * begun it is not interrupted: that the sender has gone away does not undo an append.
     */
    readonly accept: (head: IngestHead, body: Uint8Array) => Effect.Effect<Receipt, IngestError>
    readonly ledger: Effect.Effect<IntakeLedger>
    /**
     * Why the last append failed, if that does not pass by itself: a probe may not touch what is
     * damaged. Only for a while: whoever is not ready is sent nothing that would show otherwise.
     */
    readonly damage: Effect.Effect<StoreError | null>
    /** What has come in meanwhile, for those who look on. */
    readonly watch: IntakeWatch
    /** Writes the counts of event names that are pending, before somebody looks at them. */
    readonly countNames: Effect.Effect<void>
    /** Those given as options. */
    readonly configuredKeys: () => ReadonlyArray<HashedKey>
    /** Reads the {@link Keys} store again, after it was changed. The keys given as options stay. */
    readonly reloadKeys: Effect.Effect<void, StoreError>
    /**
     * Makes ready to go by other keys than those given as options. What it returns does it, and
     * cannot fail; until then nothing is changed.
     */
    readonly exchangeKeys: (
      keys: NonNullable<AuthenticationOptions["keys"]>,
    ) => Effect.Effect<() => void, InvalidOptions | StoreError>
  }
>()("@millrace/core/Ingest") {}

/** What a request says of itself before its body. */
export type IngestHead = Wire.WireHead

export type IngestServices = Codec | Counters | DeadLetters.DeadLetters | EventLog | Keys

/** ms, `null` when off, 0 when it is no positive, finite duration. */
const windowOf = ({ dedupe }: IngestOptions): number | null => {
  if (dedupe === undefined) return null
  const millis = Option.match(Duration.fromInput(dedupe.window), {
    onNone: () => 0,
    onSome: Duration.toMillis,
  })
  return Number.isFinite(millis) && millis > 0 ? millis : 0
}

/** What is wrong with the options, as far as that can be seen without a store. */
export const optionProblems = (options: IngestOptions): ReadonlyArray<OptionProblem> => {
  return [
    ...Authentication.problemsOf(options),
    ...limitProblems(limitsOf(options.limits)),
    ...(windowOf(options) === 0
      ? [{ path: "dedupe.window", message: "expected a positive, finite duration" }]
      : []),
  ]
}

/** Nobody interrupts an append but the store itself, when it goes down under it. */
const storeFailure = (cause: Cause.Cause<StoreError>): Effect.Effect<never, StoreError> =>
  Cause.hasInterruptsOnly(cause)
    ? new StoreError({ reason: { _tag: "Closed" }, message: "the store was closed during an append" })
    : Effect.failCause(cause)

const make = Effect.fnUntraced(function* (
  options: IngestOptions,
): Effect.fn.Return<Ingest["Service"], InvalidOptions | StoreError, IngestServices | Scope.Scope> {
  const codec = yield* Codec
  const log = yield* EventLog
  const deadLetters = yield* DeadLetters.DeadLetters
  const nextId = yield* EntryIds
  const meters = IntakeMeters.make(yield* Metric.MetricRegistry)
  const trouble = yield* StoreTrouble

  const problems = optionProblems(options)
  if (problems.length > 0) return yield* new InvalidOptions({ problems })
  const limits = limitsOf(options.limits)
  const validation = options.validation ?? "auto"
  const window = windowOf(options)

  const authentication = yield* Authentication.make(options)

  const totals: Record<Telemetry.IntakeOutcome, number> = { stored: 0, rejected: 0, duplicate: 0, failed: 0 }
  const watch = new IntakeWatch()
  const count = (outcome: Telemetry.IntakeOutcome, events: number, head: IngestHead): void => {
    if (events === 0) return
    totals[outcome] += events
    meters.events[outcome].add(events)
    watch.came(outcome, events, head.keyId, head.receivedAt)
  }

  const sayStoreFailed = makeSparingly()
  const logStoreFailure = (error: StoreError): Effect.Effect<void> =>
    sayStoreFailed(
      Effect.annotateLogs(Effect.logWarning(Telemetry.logMessages.intakeStoreFailed), {
        reason: error.reason._tag,
        error: error.message,
      }),
    )

  const sayLettersFailed = makeSparingly()
  /**
   * They are kept on a best-effort basis: their request is accepted, and to fail it would make its
   * sender send it all again.
   */
  const keepRejected = (rejected: ReadonlyArray<Wire.RejectedEvent>, id: EntryId, at: number) => {
    const uuid = timeUUIDs(id)
    const letters = rejected.map(
      (event): DeadLetters.DeadLetter => ({
        destination: DeadLetters.intake,
        eventId: uuid(at, event.index),
        reason: "invalid",
        message: event.message,
        status: null,
        deadAt: at,
        receivedAt: at,
        eventName: event.eventName,
        event: event.event,
        replayedAt: null,
      }),
    )
    return Effect.catchCause(deadLetters.put(letters), (cause: Cause.Cause<StoreError>) =>
      sayLettersFailed(
        Effect.annotateLogs(Effect.logWarning(Telemetry.logMessages.intakeLettersFailed), {
          letters: letters.length,
          error: defectSummary(cause),
        }),
      ),
    )
  }

  const spans = yield* Spans.make
  const append = (entry: NewEntry, partition: number): Effect.Effect<unknown, StoreError> => {
    const appending = log.append([entry], partition)
    if (spans === null) return appending
    const attributes = { partition, events: entry.events, bytes: sizeOf(entry) }
    return spans.part(appending, { name: Telemetry.spanNames.append, kind: "internal", attributes })
  }

  /** Begins nothing before it is run: of a duplicate it never is. */
  const store = (
    { entry, rejected, subject }: Wire.Accepted,
    id: EntryId,
    receivedAt: number,
  ): Effect.Effect<unknown, StoreError> =>
    Effect.suspend(() => {
      const appending = entry === null ? Effect.void : append(entry, partitionOf(log.partitions, subject, id))
      return rejected.length === 0
        ? appending
        : Effect.andThen(appending, () => keepRejected(rejected, id, receivedAt))
    })

  const dedupe = window === null ? null : makeDedupe<StoreError>(window)
  const fingerprint = (head: IngestHead, body: Uint8Array): string =>
    `${head.dialect} ${head.keyId} ${hex(codec.sha256(body))}`

  const damage = makeDamage()

  const nameCounts = yield* makeNameCounts
  let bytesInFlight = 0

  const refuse = (reason: IngestReason): Effect.Effect<never, IngestError> =>
    Effect.fail(new IngestError({ reason }))

  /** Stores what a request came to. */
  const keep = (
    head: IngestHead,
    body: Uint8Array,
    id: EntryId,
    decoded: Wire.Decoded,
  ): Effect.Effect<Receipt, IngestError> => {
    if (Result.isFailure(decoded)) {
      const { status, message, events } = decoded.failure
      count("rejected", events, head)
      return refuse({ _tag: "Refused", status, message })
    }

    const { entry, rejected, rejectedCount, eventNames } = decoded.success
    const events = entry === null ? 0 : entry.events
    const storing = store(decoded.success, id, head.receivedAt)
    bytesInFlight += body.length
    const settle = () => {
      bytesInFlight -= body.length
      count("rejected", rejectedCount, head)
    }
    return Effect.matchCauseEffect(
      dedupe === null ? storing : dedupe.share(fingerprint(head, body), storing),
      {
        onFailure: (cause) => {
          settle()
          count("failed", events, head)
          return Effect.catch(storeFailure(cause), (error) =>
            Effect.gen(function* () {
              yield* damage.note(error)
              trouble.note(error)
              yield* logStoreFailure(error)
              return yield* refuse({ _tag: "StoreFailed", error })
            }),
          )
        },
        onSuccess: (shared) => {
          settle()
          const duplicate = dedupe !== null && shared === true
          count(duplicate ? "duplicate" : "stored", events, head)
          const entryId = duplicate || entry === null ? null : id
          if (entryId !== null) damage.forget()
          const receipt = Effect.succeed({ entryId, events, duplicate, rejected, rejectedCount })
          return duplicate ? receipt : Effect.andThen(nameCounts.add(eventNames, head.receivedAt), receipt)
        },
      },
    )
  }

  /** Others are served while a large body is read. */
  const acceptLarge = (
    head: IngestHead,
    body: Uint8Array,
    id: EntryId,
  ): Effect.Effect<Receipt, IngestError> => {
    bytesInFlight += body.length
    const reading = Effect.ensuring(
      inTurns(Wire.decodeInSlices(head, body, id, limits)),
      Effect.sync(() => {
        bytesInFlight -= body.length
      }),
    )
    return Effect.flatMap(reading, (decoded) => keep(head, body, id, decoded))
  }

  const acceptNow = (head: IngestHead, body: Uint8Array): Effect.Effect<Receipt, IngestError> => {
    if (bytesInFlight + body.length > limits.inFlightBytes) return refuse({ _tag: "Overloaded" })
    const id = nextId()
    meters.bytes.add(body.length)
    return body.length > Wire.atOnce
      ? acceptLarge(head, body, id)
      : keep(head, body, id, Wire.decode(head, body, id, limits))
  }

  const accept = (head: IngestHead, body: Uint8Array): Effect.Effect<Receipt, IngestError> =>
    Effect.uninterruptible(Effect.suspend(() => acceptNow(head, body)))

  return {
    limits,
    validation,
    authenticate: authentication.byKey,
    authenticateSigned: authentication.bySignature,
    accept,
    ledger: Effect.sync(() => ({
      ...totals,
      received: totals.stored + totals.rejected + totals.duplicate + totals.failed,
    })),
    damage: damage.current,
    watch,
    countNames: nameCounts.flush,
    configuredKeys: authentication.configured,
    reloadKeys: authentication.reload,
    exchangeKeys: authentication.exchange,
  }
})

/**
 * Fails with {@link InvalidOptions} when the options cannot work, and with a {@link StoreError}
 * when the keys cannot be read. Closing its scope writes the counts of event names that are still
 * in memory.
 */
export const layer = (
  options: IngestOptions,
): Layer.Layer<Ingest, InvalidOptions | StoreError, IngestServices> => Layer.effect(Ingest, make(options))
