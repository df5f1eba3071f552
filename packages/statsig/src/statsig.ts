import type { Destination, Extension } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { decode } from "./Options.ts"
import * as PassThrough from "./passThrough.ts"
import { relay, scheme } from "./relay.ts"
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
  /**
   * Whether what is accepted goes on to Statsig, through a destination `statsig` that works as any
   * other: durably, in order, filtered if you like. `false` by default. For a filter of your own
   * leave it out, and give a destination with the URL `statsig:`.
   */
  readonly relay?: boolean
  /**
   * What events go on to Statsig with whose senders show a key that is none of `keys`, or none at
   * all. Those that show one of `keys` go on with it: these are the Statsig project's own.
   */
  readonly serverKey?: string
}

/**
 * Everything that SDKs send is theirs to get to Statsig, also what they say about themselves. A
 * request has what one other request said, and so is small: many of them may be under way.
 */
const everything: Destination.DestinationOptions = {
  id: "statsig",
  url: scheme,
  filter: { categories: { internal: true } },
  concurrency: 32,
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
  destinations: options.relay === true ? [everything] : [],
  sinks: ({ keys }) => {
    const { hosts, serverKey } = Result.getOrElse(decode(options), () => Result.getOrThrow(decode({})))
    return [relay({ events: hosts.events, keys, serverKey })]
  },
  routes: Effect.gen(function* () {
    const settings = yield* Effect.fromResult(decode(options))
    if (!settings.passThrough) return []
    const upstream = yield* Layer.build(UndiciUpstream.layer)
    return yield* Effect.provideContext(PassThrough.make(settings), upstream)
  }),
})
