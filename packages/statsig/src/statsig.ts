import type { Extension } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { decode } from "./Options.ts"
import * as PassThrough from "./passThrough.ts"
import * as UndiciUpstream from "./undiciUpstream.ts"

export interface StatsigOptions {
  /**
   * Statsig's own hosts, or others in the place of some of them: each an origin,
   * `https://api.example.com`.
   */
  readonly upstream?: true | { readonly events?: string; readonly api?: string; readonly cdn?: string }
  /**
   * Whether what SDKs ask for is passed through to Statsig, so that Millrace can be an SDK's whole
   * `api`: `initialize`, config specs, id lists, and the HTTP API's `check_gate`, `get_config` and
   * `get_layer`. `false` by default.
   */
  readonly passThrough?: boolean
  /**
   * How long config specs and id lists are given out without asking Statsig again: 10 seconds by
   * default.
   */
  readonly freshFor?: number | string
}

/**
 * Puts Millrace in front of Statsig. Mistakes in the options fail the start, with their paths below
 * `statsig`.
 *
 * @example
 * ```ts
 * const millrace = await Millrace.make({
 *   keys: { server: ["secret-..."], client: ["client-..."] },
 *   extensions: [statsig({ upstream: true, passThrough: true })],
 * })
 * ```
 */
export const statsig = (options: StatsigOptions): Extension => ({
  routes: Effect.gen(function* () {
    const settings = yield* decode(options)
    if (!settings.passThrough) return []
    const upstream = yield* Layer.build(UndiciUpstream.layer)
    return yield* Effect.provideContext(PassThrough.make(settings), upstream)
  }),
})
