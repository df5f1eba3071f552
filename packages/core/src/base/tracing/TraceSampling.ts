import * as Context from "effect/Context"

/**
 * Says of each trace that would begin here whether it does. It is asked before anything is made of
 * a trace, so that those that are not kept cost nothing.
 */
export type TraceSampler = () => boolean

/**
 * Keeps all by default: a tracer of one's own has a sampler of its own. `Otlp.layer` of
 * `@millrace/node` keeps one in a hundred.
 */
export const TraceSampling: Context.Reference<TraceSampler> = Context.Reference<TraceSampler>(
  "@millrace/core/TraceSampling",
  { defaultValue: () => () => true },
)
