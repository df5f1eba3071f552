import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpIngest } from "./HttpIngest.ts"
import type { IngestReply, IngestRequest } from "./request.ts"

/** What an HTTP adapter needs of Millrace. The object that `Millrace.make` returns is one. */
export interface Ingest {
  /** Whether the path of this URL is one of ours, whatever the method. */
  readonly matches: (url: string) => boolean
  /** Every path there is, without a slash before it; without it those that are always there. */
  readonly paths?: ReadonlyArray<string>
  /** Never rejects for what a client sends; a rejection is a programmer's error. */
  readonly handle: (request: IngestRequest) => Promise<IngestReply>
}

/**
 * The intake for hosts without Effect.
 *
 * @param context where the requests run; it has the clock
 */
export const promiseHandler = (
  http: HttpIngest["Service"],
  context: Context.Context<never>,
): Ingest["handle"] => {
  const clock = Context.get(context, Clock.Clock)
  const fork = Effect.runForkWith(context)
  return (request) =>
    new Promise((resolve, reject) => {
      const reply = (effect: Effect.Effect<IngestReply>): void => {
        fork(effect).addObserver((exit) =>
          Exit.isSuccess(exit) ? resolve(exit.value) : reject(Cause.squash(exit.cause)),
        )
      }
      if (request.read === undefined) return reply(http.handle(request))
      const begun = http.begin(request, clock.currentTimeMillisUnsafe())
      if (!("finish" in begun)) return resolve(begun)
      request.read(begun.maxBytes, (body) => reply(begun.finish(body)), begun.share)
    })
}
