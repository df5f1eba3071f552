import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as PrometheusText from "../base/metrics/PrometheusText.ts"

/**
 * The metrics of an intake and a delivery. What is counted is in the registry of Effect's metrics
 * at any time; what only the store knows is there as it was last looked at.
 */
export class Metering extends Context.Service<
  Metering,
  {
    /**
     * Looks at the store once, for at most two seconds. Where it does not answer, what it knows is
     * taken out of the registry, and `millrace_store_up` is 0.
     */
    readonly look: Effect.Effect<void>
    /** Looks, and returns everything that is in the registry. */
    readonly families: Effect.Effect<ReadonlyArray<PrometheusText.Family>>
    /** The same in Prometheus' text format. */
    readonly text: Effect.Effect<string>
  }
>()("@millrace/core/Metering") {}
