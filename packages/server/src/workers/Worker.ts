import type { Duplex } from "node:stream"
import { Millrace as Core, HttpIngest } from "@millrace/core"
import { Codec, createServer, type Ingest } from "@millrace/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Endpoints from "../Endpoints.ts"
import * as Listening from "../Listening.ts"
import { logToStderr } from "../logToStderr.ts"
import * as Metrics from "../Metrics.ts"
import * as Channel from "./Channel.ts"
import type { PrimaryCalls, Settings, Started, WorkerCalls } from "./Protocol.ts"
import * as RemoteStore from "./RemoteStore.ts"

type Primary = Channel.Channel<PrimaryCalls>

/** The longest that the primary takes to find out whether the store answers. */
const readyWithin = "2 seconds"

/** What is lost of the counts of a worker that is killed. */
const reportEvery = "1 second"

/** Intake as it is in every server, on the primary's store. */
const intake = ({ keys, validation, statsigSecrets, log, maxBytes }: Settings, primary: Primary) =>
  Layer.build(
    HttpIngest.layer({
      keys,
      validation,
      receive: { statsigSecret: statsigSecrets },
      limits: { inFlightBytes: maxBytes },
    }).pipe(Layer.provide(Codec.layer), Layer.provide(Layer.succeedContext(RemoteStore.make(primary, log)))),
  )

const health = ({ call }: Primary): Endpoints.Health => ({
  ready: () =>
    Effect.runPromise(
      call("ready", null).pipe(
        Effect.timeout(readyWithin),
        Effect.orElseSucceed(() => false),
      ),
    ),
  metrics: () => Effect.runPromise(call("metrics", null)),
})

const countsOf = ({ families }: Metrics.Report): string => JSON.stringify(families)

/** Tells the primary what has been counted, when that has changed. */
const reporting = Effect.fnUntraced(function* ({ call }: Primary) {
  let told = countsOf(Metrics.report())
  while (true) {
    yield* Effect.sleep(reportEvery)
    const report = Metrics.report()
    const counts = countsOf(report)
    if (counts === told) continue
    told = counts
    yield* Effect.ignore(call("report", report))
  }
})

/** Takes events in until the scope is closed. Succeeds also where the address cannot be had: that is an answer. */
const start = Effect.fnUntraced(function* (settings: Settings, primary: Primary) {
  const { host, port, maxBytes } = settings
  const http = Context.get(yield* intake(settings, primary), HttpIngest.HttpIngest)
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const ingest: Ingest = { matches: http.matches, handle: (request) => run(http.handle(request)) }
  const fallback = Endpoints.listener(ingest, health(primary))
  const server = createServer(ingest, { fallback, maxBufferedBytes: maxBytes })
  yield* Effect.forkScoped(reporting(primary))
  return yield* Listening.listen(server, host, port).pipe(
    Effect.map((address): Started => ({ port: address.port })),
    Effect.catch(({ message }) => Effect.succeed<Started>({ problem: message })),
  )
})

/**
 * A worker: parses and validates what it takes, and has the primary store it. Begins and ends as the primary says over the channel; once that is closed, by the primary's end too, `onEnd` is
 * called and nothing that is in flight will be acknowledged.
 */
export const run = (stream: Duplex, onEnd: () => void): void => {
  const scope = Scope.makeUnsafe()
  const primary: Primary = Channel.make<WorkerCalls, PrimaryCalls>(stream, {
    context: Context.empty(),
    handlers: {
      start: (settings) =>
        start(settings, primary).pipe(
          Scope.provide(scope),
          Effect.provide(
            Core.layerLog((line) =>
              logToStderr({ ...line, fields: { worker: settings.worker, ...line.fields } }),
            ),
          ),
          // The primary has looked at the same options.
          Effect.catchTag("InvalidOptions", Effect.die),
        ),
      report: () => Effect.sync(Metrics.report),
      stop: () => Effect.andThen(Scope.close(scope, Exit.void), Effect.sync(Metrics.report)),
    },
    onClose: onEnd,
  })
}
