import type { Duplex } from "node:stream"
import { Millrace as Core, Ingest as CoreIngest, HttpIngest } from "@millrace/core"
import { PrometheusText, promiseHandler, RelayMark } from "@millrace/core/host"
import { Codec, createServer, type Ingest, Otlp, YoungMemory } from "@millrace/node"
import { statsig } from "@millrace/statsig"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { dedupeOf } from "../config/dedupeOf.ts"
import { hashKeyOf } from "../config/hashKeyOf.ts"
import { consolePaths } from "../consolePaths.ts"
import * as Endpoints from "../Endpoints.ts"
import * as Listening from "../Listening.ts"
import * as Metrics from "../metrics/Metrics.ts"
import * as OldMemory from "../OldMemory.ts"
import * as Log from "../text/Log.ts"
import * as Balance from "./Balance.ts"
import * as Channel from "./Channel.ts"
import type { PrimaryCalls, Settings, Started, WorkerCalls } from "./Protocol.ts"
import * as PassOn from "./passOn.ts"
import * as RemoteStore from "./RemoteStore.ts"

type Primary = Channel.Channel<PrimaryCalls>

/** The longest that the primary takes to find out whether the store takes events. */
const answerWithin = "2 seconds"

/** What is lost of the counts of a worker that is killed. */
const reportEvery = "1 second"

/** Intake as it is in every server, on the primary's store. */
const intake = (settings: Settings, primary: Primary) => {
  const { keys, validation, paths, client, cors, limits, statsigSecrets, log, maxBytes, otlp } = settings
  return Layer.build(
    HttpIngest.layer({
      keys,
      validation,
      paths,
      client,
      cors,
      ...dedupeOf(settings),
      ...hashKeyOf(settings),
      extensions: [statsig(settings.statsig)],
      receive: { statsigSecret: statsigSecrets },
      limits: { ...limits, inFlightBytes: maxBytes },
    }).pipe(
      Layer.provide([
        Codec.layer,
        Layer.succeed(RelayMark.RelayId, settings.relayId),
        Layer.succeedContext(RemoteStore.make(primary, log)),
      ]),
      Layer.merge(YoungMemory.layer),
      Layer.provideMerge(otlp === null ? Layer.empty : Otlp.layer(otlp)),
    ),
  )
}

const health = ({ call }: Primary): Endpoints.Health => ({
  problem: () =>
    Effect.runPromise(
      call("problem", null).pipe(
        Effect.timeout(answerWithin),
        Effect.orElseSucceed(() => "the process that has the store does not answer"),
      ),
    ),
  metrics: () => Effect.runPromise(call("metrics", null)),
})

/**
 * Takes events in until the scope closes. It also succeeds where the address cannot be had: that is
 * an answer.
 */
const listen = Effect.fnUntraced(function* (settings: Settings, primary: Primary) {
  const { host, port, maxBytes } = settings
  const services = yield* intake(settings, primary)
  const http = Context.get(services, HttpIngest.HttpIngest)
  const context = yield* Effect.context<never>()
  const ingest: Ingest = { matches: http.matches, handle: promiseHandler(http, context) }
  const passOn =
    settings.console === null ? undefined : consolePaths(PassOn.to(settings.console), settings.client.trust)
  const fallback = Endpoints.listener(ingest, health(primary), settings.access, passOn)
  const server = createServer(ingest, { fallback, maxBufferedBytes: maxBytes })
  yield* OldMemory.keepSmall
  const balance = Balance.make(server.http)
  const started = yield* Listening.listen(server, host, port).pipe(
    Effect.map((address): Started => ({ port: address.port })),
    Effect.catch(({ message }) => Effect.succeed<Started>({ problem: message })),
  )
  return { started, balance, intake: Context.get(services, CoreIngest.Ingest) }
})

const logAs = ({ worker, logging }: Pick<Settings, "worker" | "logging">): Layer.Layer<never> => {
  const log = Log.toStderr(logging)
  return Core.layerLog((line) => log({ ...line, fields: { worker, ...line.fields } }))
}

/**
 * Runs a worker, which parses and validates what it takes, and has the primary store it. It begins
 * and ends as the primary says over the channel. Once that is closed, by the primary's end too, it
 * calls `onEnd`, and nothing that is in flight will be acknowledged.
 */
export const run = (stream: Duplex, onEnd: () => void): void => {
  const scope = Scope.makeUnsafe()
  let balance: Balance.Balance | null = null
  let taking: CoreIngest.Ingest["Service"] | null = null
  const reportProcess = Metrics.makeProcessReport()
  const report = (): Metrics.WorkerReport => ({
    families: PrometheusText.families(Effect.runSync(Metric.snapshot)),
    process: reportProcess(),
    connections: balance?.connections() ?? 0,
  })
  /** Tells the primary what has been counted, and learns how many connections to keep. */
  const reporting = Effect.suspend(() => {
    const noticed = taking?.watch.take()
    return primary.call("report", { ...report(), ...(noticed === undefined ? {} : { noticed }) })
  }).pipe(
    Effect.map((share) => balance?.keep(share)),
    Effect.ignore,
    Effect.delay(reportEvery),
    Effect.forever,
  )
  const start = Effect.fnUntraced(
    function* (settings: Settings) {
      const listening = yield* listen(settings, primary)
      balance = listening.balance
      taking = listening.intake
      taking.watch.take()
      yield* Effect.forkScoped(reporting)
      return listening.started
    },
    // The primary has looked at the same options.
    Effect.catchTag("InvalidOptions", Effect.die),
    Scope.provide(scope),
    (starting, settings) => Effect.provide(starting, logAs(settings)),
  )
  const primary: Primary = Channel.make<WorkerCalls, PrimaryCalls>(stream, {
    context: Context.empty(),
    handlers: {
      start,
      report: () => Effect.sync(report),
      reloadKeys: (keys) =>
        (taking === null ? Effect.void : Effect.map(taking.exchangeKeys(keys), (use) => use())).pipe(
          // The primary goes by the same.
          Effect.catchTag("InvalidOptions", Effect.die),
          Effect.as(null),
        ),
      stop: () => Effect.andThen(Scope.close(scope, Exit.void), Effect.sync(report)),
    },
    onClose: onEnd,
  })
}
