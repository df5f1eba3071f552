/**
 * Requests that have begun: each gets a reply whatever becomes of it, and closing waits for the
 * last of them.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import type { Histogram } from "../base/metrics/cells.ts"
import { coreMetrics } from "../base/metrics/coreMetrics.ts"
import { Series } from "../base/metrics/Series.ts"
import * as Telemetry from "../base/Telemetry.ts"
import * as Spans from "../base/tracing/Spans.ts"
import * as TraceParent from "../base/tracing/traceParent.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import type { Replies } from "./makeReplies.ts"
import { type Answer, errorAnswer, internalError, type RequestError } from "./replies.ts"
import type { Awaiting, BodyShare, IngestBody, IngestReply, RequestHead } from "./request.ts"
import { headerOf } from "./requestHead.ts"
import type { Route } from "./routes.ts"

export interface InFlight {
  readonly isClosed: () => boolean
  /**
   * @param answer to a request whose body was read
   * @param mayTrace whether it may ask for a span, however few are kept: nobody may who shows a key
   * that is public
   */
  readonly awaiting: (
    route: Route,
    head: RequestHead,
    maxBytes: number,
    share: BodyShare,
    answer: (body: IngestBody) => Effect.Effect<Answer, RequestError>,
    mayTrace?: boolean,
  ) => Awaiting
  /** Returns once those begun have their replies. May be called again. */
  readonly close: Effect.Effect<void>
}

/** The same for every request of a route: it costs as much as the span. */
const makeWorkOf = (): ((route: Route) => Spans.Work<IngestReply>) => {
  const known = new WeakMap<Route, Spans.Work<IngestReply>>()
  return (route) => {
    let work = known.get(route)
    if (work === undefined) {
      work = {
        name: Telemetry.spanNames.intake,
        kind: "server",
        attributes: { route: route.name },
        ended: ({ status }) => ({
          attributes: { "http.response.status_code": status },
          problem: status >= 500 ? String(status) : null,
        }),
      }
      known.set(route, work)
    }
    return work
  }
}

/** @param finish makes a reply of an answer */
export const make = Effect.fnUntraced(function* (finish: Replies["finish"]): Effect.fn.Return<InFlight> {
  const context = yield* Effect.context()
  const spans = yield* Spans.make
  const workOf = makeWorkOf()
  const clock = Context.get(context, Clock.Clock)
  const durations = Series.histograms(yield* Metric.MetricRegistry, coreMetrics.intakeDuration)
  const durationOf = new Map<Route, Histogram>()

  let closed = false
  let active = 0
  const drained = yield* Deferred.make<void>()
  const leave = (): void => {
    active--
    if (closed && active === 0) Deferred.doneUnsafe(drained, Effect.void)
  }

  const sayConsumed = makeSparingly()
  const answerToError = (error: RequestError, limit: number): Effect.Effect<Answer> => {
    const answering = Effect.succeed(errorAnswer(error, limit))
    return error._tag === "BodyError" && error.reason === "Consumed"
      ? Effect.andThen(sayConsumed(Effect.logError(Telemetry.logMessages.intakeBodyConsumed)), answering)
      : answering
  }

  const answerToFailure = (cause: Cause.Cause<RequestError>, limit: number): Effect.Effect<Answer> => {
    const error = Cause.findError(cause)
    if (Result.isSuccess(error)) return answerToError(error.success, limit)
    if (Cause.hasInterruptsOnly(error.failure)) return Effect.failCause(error.failure)
    return Effect.as(
      Effect.annotateLogs(Effect.logError(Telemetry.logMessages.intakeDefect), {
        error: defectSummary(error.failure),
      }),
      internalError,
    )
  }

  const awaiting: InFlight["awaiting"] = (route, head, maxBytes, share, answer, mayTrace = false) => {
    active++
    let duration = durationOf.get(route)
    if (duration === undefined) {
      duration = durations.at(route.name)
      durationOf.set(route, duration)
    }
    const taken = duration
    return {
      maxBytes,
      share,
      finish: (body) => {
        /** By the wall clock: it is read without making anything, and ms are fine enough. */
        let bodyAt: number | null = null
        const answerTo = (read: IngestBody): Effect.Effect<Answer, RequestError> => {
          bodyAt = clock.currentTimeMillisUnsafe()
          return answer(read)
        }
        const reply = (final: Answer): IngestReply => {
          leave()
          if (bodyAt !== null) taken.observe(clock.currentTimeMillisUnsafe() - bodyAt)
          return finish(route, head, final)
        }
        const replying = Effect.uninterruptibleMask((restore) =>
          Effect.matchCauseEffect(restore(Effect.flatMap(body, answerTo)), {
            onFailure: (cause) =>
              Effect.map(
                Effect.onError(answerToFailure(cause, maxBytes), () => Effect.sync(leave)),
                reply,
              ),
            onSuccess: (final) => Effect.succeed(reply(final)),
          }),
        )
        if (spans === null) return replying
        const header = headerOf(head.headers, TraceParent.headerName)
        const caller = header === null ? null : TraceParent.parse(header)
        return spans.asked(replying, workOf(route), caller, mayTrace)
      },
    }
  }

  return {
    isClosed: () => closed,
    awaiting,
    close: Effect.suspend(() => {
      closed = true
      return active === 0 ? Effect.void : Deferred.await(drained)
    }),
  }
})
