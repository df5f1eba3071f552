/** Over 400 lines because the options, the layer and the promises of a Millrace are one thing. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { InvalidOptions, type OptionProblem } from "./base/InvalidOptions.ts"
import type { LogLevel, LogLine, LogOption } from "./base/LogLine.ts"
import { problemsOfLog, writerOf } from "./base/logWriter.ts"
import { coreMetrics } from "./base/metrics/coreMetrics.ts"
import * as PrometheusText from "./base/metrics/PrometheusText.ts"
import { Series } from "./base/metrics/Series.ts"
import { Dispatcher } from "./deliver/Dispatcher.ts"
import type { Reconfigured } from "./deliver/dispatcher/registry.ts"
import * as Dispatching from "./deliver/dispatching.ts"
import type { Alert, AlertKind } from "./deliver/health/Alert.ts"
import * as AlertOptions from "./deliver/health/AlertOptions.ts"
import * as Ledger from "./deliver/Ledger.ts"
import { type SinkKind, schemesOf } from "./deliver/send/SinkKind.ts"
import { webhook } from "./deliver/send/webhook.ts"
import type { Extension } from "./Extension.ts"
import * as FollowKeys from "./intake/followKeys.ts"
import * as HttpIngest from "./intake/HttpIngest.ts"
import { Ingest, type Noticed } from "./intake/Ingest.ts"
import type { NewEvent } from "./intake/logEvent.ts"
import { promiseHandler } from "./intake/promiseHandler.ts"
import * as RefusalLog from "./intake/refusalLog.ts"
import { within } from "./operate/Action.ts"
import { actions } from "./operate/actions.ts"
import * as LiveOperator from "./operate/liveOperator.ts"
import { Metering } from "./operate/Metering.ts"
import * as MeterReading from "./operate/meterReading.ts"
import * as Operations from "./operate/Operations.ts"
import { Operator } from "./operate/Operator.ts"
import * as Readiness from "./operate/Readiness.ts"
import type { Codec } from "./ports/Codec.ts"
import { Cursors } from "./ports/Cursors.ts"
import { Destinations } from "./ports/Destinations.ts"
import { type Durability, demanding, EventLog, isLower, levelProblem, levels } from "./ports/EventLog.ts"
import type { Acknowledges, Store } from "./ports/Store.ts"
import type { StoreError } from "./ports/StoreError.ts"
import { StoreHealth } from "./ports/StoreHealth.ts"
import * as StoreTrouble from "./ports/StoreTrouble.ts"
import type { Transport } from "./ports/Transport.ts"
import * as Catalog from "./select/Catalog.ts"
import * as Destination from "./select/Destination.ts"

/** @template D what `ack` demands: inferred, `never` without it */
export interface MillraceOptions<D extends Durability = never> extends HttpIngest.HttpIngestOptions {
  /** What other packages add: `statsig(...)` of `@millrace/statsig`, for one. */
  readonly extensions?: ReadonlyArray<Extension>
  /** None by default: events are stored and wait. */
  readonly destinations?: ReadonlyArray<Destination.DestinationOptions>
  /**
   * What an acknowledged event has to survive at least, whatever the store: nothing is demanded by
   * default. A store that can never give it does not compile; one that does not give it as its
   * server is set up fails the start with {@link InvalidOptions}, and one that stops giving it
   * takes no events.
   */
  readonly ack?: D
  /**
   * How long entries that every destination is done with are kept for replay: 3 days by default.
   */
  readonly keepFor?: Duration.Input
  /**
   * What `fields.hash` hashes with: 16 random bytes or more, the same after every start, and
   * secret. Whoever has it can find out which value of a short list a hash stands for.
   */
  readonly hashKey?: Uint8Array
  /**
   * Tells experiments from dynamic configs and gives rules their group names: a config-specs
   * document, as Statsig's `download_config_specs` answers, or a layer that provides
   * `Catalog.CurrentCatalog` and keeps it new.
   */
  readonly catalog?: Readonly<Record<string, unknown>> | CatalogLayer
  /**
   * How much of the log, in bytes as stored, is held parsed for destinations near its head: 8 MiB
   * by default.
   */
  readonly ringBytes?: number
  /**
   * A webhook that is told when a destination fails, is well again or is disabled, when events
   * become dead letters or wait too long, and when the store is down. None by default.
   */
  readonly alerts?: AlertOptions.AlertOptions
  /**
   * Gets the same alerts, all of them, also without {@link MillraceOptions.alerts}. What it throws
   * is logged.
   */
  readonly onAlert?: AlertOptions.OnAlert
}

type CatalogLayer = Layer.Layer<never, InvalidOptions>

/** What a configuration decides that can be changed while it runs. */
interface Decided {
  readonly sinks: ReadonlyArray<SinkKind>
  readonly destinations: Result.Result<ReadonlyArray<Destination.Destination>, ReadonlyArray<OptionProblem>>
}

type Deciding = Pick<MillraceOptions, "keys" | "extensions" | "destinations" | "hashKey">

const decide = ({ keys, extensions = [], destinations, hashKey }: Deciding): Decided => {
  const { server = [], client = [] } = keys === "none" ? {} : (keys ?? {})
  const sinks = extensions.flatMap((extension) => extension.sinks?.({ keys: [...server, ...client] }) ?? [])
  const all = [...(destinations ?? []), ...extensions.flatMap((extension) => extension.destinations ?? [])]
  return { sinks, destinations: Destination.decodeAll(all, hashKey, schemesOf([webhook, ...sinks])) }
}

const catalogLayer = (
  catalog: MillraceOptions["catalog"],
): Result.Result<CatalogLayer, ReadonlyArray<OptionProblem>> => {
  if (catalog === undefined) return Result.succeed(Layer.empty)
  if (Layer.isLayer(catalog)) return Result.succeed(catalog as CatalogLayer)
  const read = Catalog.fromSpecs(catalog)
  return Result.isFailure(read)
    ? Result.fail([{ path: "catalog", message: read.failure }])
    : Result.succeed(Catalog.layer(read.success))
}

/** The log as long as it gives what is demanded; without a demand, as it is. */
const demanded = (ack: Durability | undefined): Layer.Layer<EventLog, InvalidOptions, EventLog> =>
  Layer.effect(
    EventLog,
    Effect.flatMap(EventLog, (log) => {
      if (ack === undefined) return Effect.succeed(log)
      const isLevel = levels.includes(ack)
      if (isLevel && !isLower(log.durability, ack)) return Effect.succeed(demanding(log, ack))
      const message = isLevel
        ? `"${ack}" is demanded, but this store acknowledges at level "${log.durability}": set the store up for more, take another one, or demand less`
        : `expected one of ${levels.join(", ")}`
      return Effect.fail(new InvalidOptions({ problems: [{ path: "ack", message }] }))
    }),
  )

/**
 * Intake, delivery and an operator on a store, a transport and a codec: the front door for programs
 * that use Effect. Closing its scope stops them; call `HttpIngest.close` and `Dispatcher.drain`
 * first to send what is pending.
 *
 * Fails with {@link InvalidOptions}, which has all mistakes with their paths, or a
 * {@link StoreError} when the store cannot be used.
 */
export const layer = <D extends Durability = never>(
  options: MillraceOptions<D>,
): Layer.Layer<
  HttpIngest.HttpIngest | Ingest | Dispatcher | Operator | Metering,
  InvalidOptions | StoreError,
  Store | Acknowledges<D> | Transport | Codec
> => {
  const { sinks, destinations } = decide(options)
  const catalog = catalogLayer(options.catalog)
  const alerts = options.alerts === undefined ? null : AlertOptions.decode(options.alerts)
  const hashKeyProblems = Destination.hashKeyProblems(options.hashKey)
  const alertProblems = alerts !== null && Result.isFailure(alerts) ? alerts.failure : []
  if (
    hashKeyProblems.length > 0 ||
    alertProblems.length > 0 ||
    Result.isFailure(destinations) ||
    Result.isFailure(catalog)
  ) {
    const problems = [
      ...hashKeyProblems,
      ...(Result.isFailure(destinations) ? destinations.failure : []),
      ...(Result.isFailure(catalog) ? catalog.failure : []),
      ...alertProblems,
    ]
    return Layer.effectDiscard(new InvalidOptions({ problems })) as Layer.Layer<
      never,
      InvalidOptions
    > as never
  }
  const running = Layer.mergeAll(
    HttpIngest.layer(options),
    Dispatching.layer({
      destinations: destinations.success,
      sinks,
      ...(options.keepFor === undefined ? {} : { keepFor: options.keepFor }),
      ...(options.ringBytes === undefined ? {} : { ringBytes: options.ringBytes }),
      ...(options.hashKey === undefined ? {} : { hashKey: options.hashKey }),
      ...(alerts === null || Result.isFailure(alerts) ? {} : { alerts: alerts.success }),
      ...(options.onAlert === undefined ? {} : { onAlert: options.onAlert }),
    }),
  ).pipe(Layer.provideMerge(StoreTrouble.layer))
  const followKeys: typeof FollowKeys.layer = options.keys === "none" ? Layer.empty : FollowKeys.layer
  return Layer.mergeAll(LiveOperator.layer, RefusalLog.layer, followKeys, MeterReading.layer).pipe(
    Layer.provideMerge(running),
    Layer.provide(catalog.success),
    Layer.provide(demanded(options.ack)),
  )
}

/** What can be changed while it runs; what is left out stays as it is. */
export type Reconfiguration = Pick<MillraceOptions, "destinations" | "keys">

export type { Reconfigured }

/** Goes on by other destinations and keys than those of the options it runs by. */
const reconfigureFrom = (options: Deciding) => {
  let current = options
  return Effect.fnUntraced(function* (
    changed: Reconfiguration,
  ): Effect.fn.Return<Reconfigured, InvalidOptions | StoreError, Ingest | Dispatcher> {
    const next = { ...current, ...changed }
    const { destinations, sinks } = decide(next)
    if (Result.isFailure(destinations)) {
      return yield* new InvalidOptions({ problems: destinations.failure })
    }
    const useKeys = yield* (yield* Ingest).exchangeKeys(next.keys ?? {})
    // By the same keys they are the same sinks: their destinations are not begun anew.
    const isOfSameKeys = JSON.stringify(next.keys) === JSON.stringify(current.keys)
    const dispatcher = yield* Dispatcher
    const report = yield* dispatcher.reconfigure(destinations.success, isOfSameKeys ? null : sinks)
    useKeys()
    current = next
    return report
  })
}

export type { LogLevel, LogLine, LogOption }

export interface MakeOptions<D extends Durability = never> extends MillraceOptions<D> {
  readonly store: Layer.Layer<Store | Acknowledges<NoInfer<D>>, StoreError>
  readonly transport: Layer.Layer<Transport, InvalidOptions>
  readonly codec: Layer.Layer<Codec>
  /**
   * Where spans go: `Otlp.layer(...)` of `@millrace/node`, or any layer that gives Effect's
   * `Tracer`. Without it none are made.
   */
  readonly tracing?: Layer.Layer<never, InvalidOptions>
  /**
   * Where what happens is told: `"silent"`, the least level that goes to standard error, or a
   * function that gets every line from `Info` on. `"warn"` by default: no warning is lost.
   */
  readonly log?: LogOption
}

export interface CloseReport {
  /**
   * Whether every destination got all that could be sent before the deadline, or what was left was
   * handed over.
   */
  readonly drained: boolean
  /**
   * What is left for each destination: it waits in the store, and is gone with a store in memory.
   * Nothing when other processes deliver from the store: they go on with it.
   */
  readonly pending: ReadonlyArray<{ readonly destination: string; readonly events: number }>
}

export type { Alert, AlertKind, NewEvent }
export type AlertConfig = AlertOptions.AlertConfig
export type AlertsOptions = AlertOptions.AlertOptions

/** Where a Millrace runs, for packages that stand around it. */
export interface Host {
  /** Its store, its clock and its log. */
  readonly context: Context.Context<Store>
  /** Aborted when it is closed: from then on nothing that is open may keep the process. */
  readonly ending: AbortSignal
  /**
   * What {@link Millrace.metrics} shows, before it is text: for servers that add what they know
   * themselves.
   */
  readonly families: () => Promise<ReadonlyArray<PrometheusText.Family>>
}

/**
 * A running Millrace, for programs that do not use Effect. No method but `handle` is on the hot
 * path.
 */
export interface Millrace extends Operations.Operations {
  /** Whether the path of this URL is one of ours, whatever the method. */
  readonly matches: (url: string) => boolean
  /**
   * Every path there is, without a slash before it: for hosts that route by tables of their own.
   */
  readonly paths: ReadonlyArray<string>
  /** Never rejects, whatever a client sends. */
  readonly handle: (
    request: HttpIngest.IngestRequest,
    options?: { readonly signal?: AbortSignal },
  ) => Promise<HttpIngest.IngestReply>
  /** Whether {@link readiness} finds nothing. */
  readonly ready: () => Promise<boolean>
  /**
   * Why this process should get no requests now, `null` if it should: whether the store takes
   * events is tried, and so is whether somebody delivers what this process has to deliver. No
   * answer within a second and a half is one, too.
   */
  readonly readiness: () => Promise<Readiness.Readiness>
  /**
   * Everything that is counted, in Prometheus' text format: to be served at `/metrics` with the
   * content type `text/plain; version=0.0.4`. Looks at the store for two seconds at most, and never
   * rejects.
   */
  readonly metrics: () => Promise<string>
  /**
   * Resolves once the store has lost what it had acknowledged as safe, with a {@link StoreError}
   * that says what to do. From then on nothing is taken: close, and end the process if that is
   * yours to do, as `millrace serve` does.
   */
  readonly lost: Promise<StoreError>
  /**
   * Adds what another process of this server has noticed of its intake: for hosts that take events
   * in by several.
   */
  readonly noticed: (noticed: Noticed) => void
  /**
   * Goes on by other destinations and keys, without a pause: what is as before goes on as if
   * nothing had happened, what is changed goes on where it stands, and what is gone keeps its place
   * for when it is configured again. Gives the ids of the destinations that are others now. Rejects
   * with {@link InvalidOptions}, and nothing changed, when one cannot be run or there is no key;
   * with a {@link StoreError} part of it may have come about: try again.
   */
  readonly reconfigure: (changed: Reconfiguration) => Promise<Reconfigured>
  /** The operations as Effects that take and answer JSON: for hosts that serve them to others. */
  readonly operator: Operator["Service"]
  /** What else those need who stand around it, as the console does. */
  readonly host: Host
  /**
   * New requests get 503, those begun finish, batches go out without waiting to fill: until all is
   * sent that can be, or the deadline (10 seconds by default) has come. When other processes
   * deliver from the store, what is pending is left to them at once. Always await it: Node does not
   * wait for it by itself. May be called again.
   */
  readonly close: (options?: { readonly deadline?: Duration.Input }) => Promise<CloseReport>
}

/** What is logged goes where an option says, line by line. */
export const layerLog = (option?: LogOption): Layer.Layer<never> => {
  if (option === "silent") return Logger.layer([])
  const write = writerOf(option)
  const logger = Logger.map(Logger.formatStructured, ({ level, message, annotations }) =>
    write({
      // Effect's own form is all in capitals.
      level: (level.slice(0, 1) + level.slice(1).toLowerCase()) as LogLine["level"],
      message: Array.isArray(message) ? message.join(": ") : String(message),
      fields: annotations,
    }),
  )
  const layer = Logger.layer([logger])
  return typeof option === "string"
    ? Layer.merge(layer, Layer.succeed(References.MinimumLogLevel, levelOf(option)))
    : layer
}

/** As Effect calls it. */
const levelOf = (level: LogLevel): LogLine["level"] =>
  (level.slice(0, 1).toUpperCase() + level.slice(1)) as LogLine["level"]

/**
 * Starts intake and delivery with every port given; `@millrace/node` gives those of Node. Rejects
 * with {@link InvalidOptions} or {@link StoreError}; nothing is left running then.
 */
export const make = async <D extends Durability = never>(options: MakeOptions<D>): Promise<Millrace> => {
  const logProblems = problemsOfLog(options.log)
  if (logProblems.length > 0) throw new InvalidOptions({ problems: logProblems })
  const ports = Layer.mergeAll(options.store, options.transport, options.codec)
  const runtime = ManagedRuntime.make(
    layer(options).pipe(
      Layer.provideMerge(ports),
      Layer.provideMerge(options.tracing ?? Layer.empty),
      // One process may have several: each counts for itself.
      Layer.provideMerge(
        Layer.merge(
          layerLog(options.log),
          Layer.sync(Metric.MetricRegistry, () => new Map()),
        ),
      ),
    ),
  )
  const context = await runtime.context().catch(async (error: unknown) => {
    await runtime.dispose()
    throw error
  })
  const run = Effect.runPromiseWith(context)
  const services = await run(
    Effect.all({
      http: HttpIngest.HttpIngest,
      ingest: Ingest,
      dispatcher: Dispatcher,
      operator: Operator,
      log: EventLog,
      cursors: Cursors,
      destinations: Destinations,
      health: StoreHealth,
      metering: Metering,
    }),
  )
  const { http, dispatcher } = services
  const handle = promiseHandler(http, context)

  const takesEvents = Effect.gen(function* () {
    const problem =
      (options.ack === undefined ? null : levelProblem(services.log, options.ack)) ??
      (yield* services.ingest.damage)
    return yield* problem === null ? services.health.probe : Effect.fail(problem)
  })
  const report = Readiness.makeReport()
  const signs = { takesEvents, undelivered: dispatcher.undelivered, halted: dispatcher.halted }
  // A call that hangs is left behind: waiting for its interruption would take as long as the call.
  const findReadiness = Effect.promise(() => run(Readiness.find(signs))).pipe(
    Effect.timeoutOrElse({
      duration: Readiness.answerWithin,
      orElse: () => Effect.succeed(Readiness.noAnswer),
    }),
    Effect.tap(report),
  )
  const readiness = (): Promise<Readiness.Readiness> =>
    closing === undefined ? run(findReadiness) : Promise.resolve(Readiness.stopping)

  const isReady = Series.gauges(Context.get(context, Metric.MetricRegistry), coreMetrics.ready).at()
  const families = async (): Promise<ReadonlyArray<PrometheusText.Family>> => {
    isReady.set((await readiness()) === null ? 1 : 0)
    return run(services.metering.families)
  }

  const pending = Ledger.read(services).pipe(
    Effect.map((rows) =>
      rows.filter((row) => row.pending > 0).map((row) => ({ destination: row.id, events: row.pending })),
    ),
    Effect.orElseSucceed((): CloseReport["pending"] => []),
  )
  const ending = new AbortController()
  const closeAll = async (deadline: Duration.Input): Promise<CloseReport> => {
    ending.abort()
    const report = await run(
      Effect.gen(function* () {
        const end = yield* Effect.timeoutOption(Effect.andThen(http.close, dispatcher.drain), deadline)
        if (Option.contains(end, "handed-over" as const)) return { drained: true, pending: [] }
        const left = yield* pending
        return { drained: Option.isSome(end) && left.length === 0, pending: left }
      }),
    )
    await runtime.dispose()
    return report
  }
  let closing: Promise<CloseReport> | undefined
  const reconfigure = reconfigureFrom(options)

  return {
    ...Operations.of(() => services.operator, context),
    operator: within(actions, services.operator, context),
    host: { context, ending: ending.signal, families },
    matches: http.matches,
    paths: http.paths,
    handle: (request, handleOptions) =>
      handleOptions === undefined ? handle(request) : run(http.handle(request), handleOptions),
    ready: async () => (await readiness()) === null,
    readiness,
    metrics: async () => PrometheusText.format(await families()),
    lost: run(dispatcher.lost),
    reconfigure: (changed) => run(Effect.uninterruptible(reconfigure(changed))),
    noticed: (noticed) => {
      const clock = Context.get(context, Clock.Clock)
      services.ingest.watch.add(noticed, clock.currentTimeMillisUnsafe())
    },
    close: ({ deadline = "10 seconds" } = {}) => {
      closing ??= closeAll(deadline)
      return closing
    },
  }
}
