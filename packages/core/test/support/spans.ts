import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import { type TraceSampler, TraceSampling } from "../../src/base/tracing/TraceSampling.ts"

/** A tracer that keeps its spans, in the order in which they began. */
export const keepSpans = (isKept: TraceSampler = () => true) => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    },
  })
  const context = Context.make(Tracer.Tracer, tracer).pipe(Context.add(TraceSampling, isKept))
  return {
    spans,
    context,
    layer: Layer.succeedContext(context),
    names: () => spans.map(({ name }) => name),
    /** What is said of each, as JSON. */
    text: () =>
      JSON.stringify(
        spans.map(({ name, attributes, events, links, status }) => [
          ...[name, [...attributes], events, links],
          // Errors have nothing of their own that JSON shows.
          status._tag === "Ended" ? String(status.exit) : status._tag,
        ]),
        (_, value) => (typeof value === "bigint" ? String(value) : value),
      ),
  }
}
