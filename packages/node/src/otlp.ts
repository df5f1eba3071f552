import { InvalidOptions, type OptionProblem, Telemetry } from "@millrace/core"
import { expectedHttpUrl, isHttpUrl, makeSparingly } from "@millrace/core/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"

/** Where spans go, and how many. */
export interface OtlpOptions {
  /**
   * The collector's URL, `http://127.0.0.1:4318`: spans are posted to `/v1/traces` below it, as
   * JSON.
   */
  readonly url: string
  /** Sent with every request: what the collector knows its senders by. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Which part of the traces that begin here is kept, from 0 to 1: 0.01 by default. A request that
   * shows a server key and comes with a `traceparent` of a trace that is kept is kept as well.
   */
  readonly sample?: number
  /** What it is called in traces: `OTEL_SERVICE_NAME`, or `millrace`, by default. */
  readonly serviceName?: string
}

export const defaultSample = 0.01

/** A collector that hangs must not hold what is to be sent for ever. */
const answerWithin = "10 seconds"

/** For what has not been sent when it is closed. */
const flushWithin = "1 second"

const tracesPath = "/v1/traces"

const tracesUrl = (base: string): string => {
  const url = new URL(base)
  const path = url.pathname.replace(/\/+$/, "")
  url.pathname = path.endsWith(tracesPath) ? path : path + tracesPath
  return url.href
}

const problemsOf = ({ url, sample = defaultSample }: OtlpOptions): ReadonlyArray<OptionProblem> => [
  ...(isHttpUrl(url) ? [] : [{ path: "otlp.url", message: expectedHttpUrl }]),
  ...(sample >= 0 && sample <= 1 ? [] : [{ path: "otlp.sample", message: "expected a number from 0 to 1" }]),
]

/** What fails, and no URL: there may be a key in it. */
const notReached = "spans do not reach the collector"

/** Loaded by those who trace only: it is a third of what Millrace loads of Effect. */
const exporter = Effect.fnUntraced(function* (options: OtlpOptions) {
  const [OtlpTracer, OtlpSerialization, HttpClient, FetchHttpClient] = yield* Effect.promise(() =>
    Promise.all([
      import("effect/observability/OtlpTracer"),
      import("effect/observability/OtlpSerialization"),
      import("effect/http/HttpClient"),
      import("effect/http/FetchHttpClient"),
    ]),
  )
  const sparingly = makeSparingly()
  const patient = HttpClient.transformResponse(
    HttpClient.filterStatusOk(Context.get(yield* Layer.build(FetchHttpClient.layer), HttpClient.HttpClient)),
    (response) =>
      response.pipe(
        // The exporter takes any end for one, and tries again only what it knows.
        Effect.timeoutOrElse({
          duration: answerWithin,
          orElse: () => Effect.die(`no answer within ${answerWithin}`),
        }),
        Effect.tapCause(() => sparingly(Effect.logWarning(notReached))),
      ),
  )
  const made = OtlpTracer.layer({
    url: tracesUrl(options.url),
    headers: options.headers,
    resource: {
      serviceName: options.serviceName ?? process.env["OTEL_SERVICE_NAME"] ?? "millrace",
    },
    shutdownTimeout: flushWithin,
  }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, patient)),
  )
  const tracer = Context.get(yield* Layer.build(made), Tracer.Tracer)
  const random = yield* Random.Random
  const { sample = defaultSample } = options
  return Context.make(Tracer.Tracer, tracer).pipe(
    Context.add(Telemetry.TraceSampling, () => random.nextDoubleUnsafe() < sample),
  )
})

/**
 * Sends spans to an OpenTelemetry collector, over HTTP: for `tracing` of `Millrace.make`, and for
 * any program of Effect's that `Millrace.layer` is a part of. While the collector is away spans are
 * lost, and nothing waits. Fails with `InvalidOptions` where the URL or the part is none.
 *
 * @example
 * ```ts
 * const millrace = await Millrace.make({ tracing: Otlp.layer({ url: "http://127.0.0.1:4318" }) })
 * ```
 */
export const layer = (options: OtlpOptions): Layer.Layer<never, InvalidOptions> => {
  const problems = problemsOf(options)
  return Layer.effectContext(problems.length > 0 ? new InvalidOptions({ problems }) : exporter(options))
}
