/**
 * Requests that have begun: each gets a reply whatever becomes of it, and closing waits for the
 * last of them.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { makeSparingly } from "../base/logOncePerMinute.ts"
import * as Telemetry from "../base/Telemetry.ts"
import { defectSummary } from "../ports/defectSummary.ts"
import type { Replies } from "./makeReplies.ts"
import { type Answer, errorAnswer, internalError, type RequestError } from "./replies.ts"
import type { Awaiting, BodyShare, IngestBody, IngestReply, RequestHead } from "./request.ts"
import type { Route } from "./routes.ts"

export interface InFlight {
  readonly isClosed: () => boolean
  /** @param answer to a request whose body was read */
  readonly awaiting: (
    route: Route,
    head: RequestHead,
    maxBytes: number,
    share: BodyShare,
    answer: (body: IngestBody) => Effect.Effect<Answer, RequestError>,
  ) => Awaiting
  /** Returns once those begun have their replies. May be called again. */
  readonly close: Effect.Effect<void>
}

/** A span's options cost as much as the span, so each route's are made once. */
const makeSpanOptions = (): ((route: Route) => Tracer.SpanOptions) => {
  const known = new WeakMap<Route, Tracer.SpanOptions>()
  return (route) => {
    let options = known.get(route)
    if (options === undefined) {
      options = { kind: "server", attributes: { route: route.name }, captureStackTrace: false }
      known.set(route, options)
    }
    return options
  }
}

/** @param finish makes a reply of an answer */
export const make = Effect.fnUntraced(function* (finish: Replies["finish"]): Effect.fn.Return<InFlight> {
  const context = yield* Effect.context()
  // A span for whoever has given a tracer: Effect's own keeps none, and to make one is a twentieth
  // of a small request's work.
  const isTraced = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer
  const spanOptions = makeSpanOptions()

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

  const awaiting: InFlight["awaiting"] = (route, head, maxBytes, share, answer) => {
    active++
    return {
      maxBytes,
      share,
      finish: (body) => {
        const reply = (final: Answer): IngestReply => {
          leave()
          return finish(route, head, final)
        }
        const replying = Effect.uninterruptibleMask((restore) =>
          Effect.matchCauseEffect(restore(Effect.flatMap(body, answer)), {
            onFailure: (cause) =>
              Effect.map(
                Effect.onError(answerToFailure(cause, maxBytes), () => Effect.sync(leave)),
                reply,
              ),
            onSuccess: (final) => Effect.succeed(reply(final)),
          }),
        )
        return isTraced ? Effect.withSpan(replying, Telemetry.spanNames.intake, spanOptions(route)) : replying
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
