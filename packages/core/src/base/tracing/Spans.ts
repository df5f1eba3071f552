import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { TraceSampling } from "./TraceSampling.ts"

/** Numbers, and words that do not come from a sender: never a value of an event, a key or a URL. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

/** What a span says of the work it stands for. */
export interface Work<A> {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly attributes: Attributes
  /** What is known in the end, and a word for what went wrong; `null` when nothing did. */
  readonly ended?: (value: A) => { readonly attributes: Attributes; readonly problem: string | null }
}

/** How a span ends that is told as failed, without what failed: that may have a value in it. */
class Problem<A, E> extends Error {
  readonly #really: Effect.Effect<A, E>

  constructor(word: string, really: Effect.Effect<A, E>) {
    super(word)
    this.name = word
    this.stack = word
    this.#really = really
  }

  get really(): Effect.Effect<A, E> {
    return this.#really
  }
}

const wordOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error)) return "error"
  const { reason } = error as { readonly reason?: unknown }
  const detail = typeof reason === "object" && reason !== null && "_tag" in reason ? `.${reason._tag}` : ""
  return `${String(error._tag)}${detail}`
}

const wordOfCause = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.findError(cause)
  return Result.isSuccess(error) ? wordOf(error.success) : "defect"
}

const withoutStack = { captureStackTrace: false } as const

const traced = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { name, kind, attributes, ended }: Work<A>,
  options: Tracer.SpanOptionsNoTrace,
): Effect.Effect<A, E, R> =>
  Effect.useSpan(name, { ...options, kind, attributes }, (span) =>
    Effect.matchCauseEffect(Effect.withParentSpan(effect, span, withoutStack), {
      onSuccess: (value): Effect.Effect<A, Problem<A, E>> => {
        if (ended === undefined) return Effect.succeed(value)
        const end = ended(value)
        for (const [key, one] of Object.entries(end.attributes)) span.attribute(key, one)
        return end.problem === null
          ? Effect.succeed(value)
          : Effect.fail(new Problem(end.problem, Effect.succeed(value)))
      },
      onFailure: (cause): Effect.Effect<A, Problem<A, E>> =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause as Cause.Cause<never>)
          : Effect.fail(new Problem(wordOfCause(cause), Effect.failCause(cause))),
    }),
  ).pipe(Effect.catch((problem) => problem.really))

/** Makes spans for whoever has given a tracer. */
export interface Spans {
  /**
   * The span of what somebody has asked for.
   *
   * @param caller the trace it belongs to; `null` when one would begin here
   * @param mayAsk whether the caller says if it is kept; else one that it wants is sampled like
   * others
   */
  readonly asked: <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    work: Work<A>,
    caller: Tracer.ExternalSpan | null,
    mayAsk: boolean,
  ) => Effect.Effect<A, E, R>
  /** The first span of a trace that nobody has asked for. */
  readonly begun: <A, E, R>(effect: Effect.Effect<A, E, R>, work: Work<A>) => Effect.Effect<A, E, R>
  /** A part of what is traced around it; nothing where that is not. */
  readonly part: <A, E, R>(effect: Effect.Effect<A, E, R>, work: Work<A>) => Effect.Effect<A, E, R>
  /** A part of what is around it, and the first span of a trace where nothing is. */
  readonly partOrBegun: <A, E, R>(effect: Effect.Effect<A, E, R>, work: Work<A>) => Effect.Effect<A, E, R>
}

/** The span around it, as far as that is kept. */
export const current: Effect.Effect<Tracer.AnySpan | null> = Effect.map(
  Effect.serviceOption(Tracer.ParentSpan),
  (found) => (Option.isSome(found) && found.value.sampled ? found.value : null),
)

/**
 * `null` without a tracer: then nothing is to be done at all. Effect's own keeps no span, and
 * making one is a twentieth of a small request's work.
 */
export const make: Effect.Effect<Spans | null> = Effect.map(Effect.context<never>(), (context) => {
  if (Context.get(context, Tracer.Tracer) === Tracer.nativeTracer) return null
  const isKept = Context.get(context, TraceSampling)

  const begun: Spans["begun"] = (effect, work) =>
    Effect.suspend(() =>
      // What is within it is not asked again.
      isKept() ? traced(effect, work, { root: true }) : Effect.withTracerEnabled(effect, false),
    )
  const part: Spans["part"] = (effect, work) =>
    Effect.flatMap(current, (span) => (span === null ? effect : traced(effect, work, {})))
  return {
    asked: (effect, work, caller, mayAsk) => {
      if (caller === null) return isKept() ? traced(effect, work, { root: true }) : effect
      const isWanted = caller.sampled && (mayAsk || isKept())
      return isWanted ? traced(effect, work, { parent: caller }) : effect
    },
    begun,
    part,
    partOrBegun: (effect, work) =>
      Effect.flatMap(current, (span) => {
        if (span !== null) return traced(effect, work, {})
        return Effect.flatMap(References.TracerEnabled, (isOn) => (isOn ? begun(effect, work) : effect))
      }),
  }
})
