import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpIngest } from "./HttpIngest.ts"
import type { IngestReply, IngestRequest } from "./request.ts"

/**
 * The intake for hosts without Effect.
 *
 * @param context where the requests run; it has the clock
 */
export const promiseHandler = (
  http: HttpIngest["Service"],
  context: Context.Context<never>,
): ((request: IngestRequest) => Promise<IngestReply>) => {
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
