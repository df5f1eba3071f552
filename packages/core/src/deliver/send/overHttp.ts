import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SinkReply } from "../../ports/Sink.ts"
import type { Transport, TransportRequest } from "../../ports/Transport.ts"
import * as Delivery from "../Delivery.ts"

/** For sinks that send requests over HTTP: makes one attempt, and says what came of it. */
export const attempt = (
  transport: Transport["Service"],
  request: TransportRequest,
): Effect.Effect<SinkReply> =>
  Effect.matchEffect(transport.send(request), {
    onSuccess: (reply) => Effect.map(Clock.currentTimeMillis, (now) => Delivery.verdictOfReply(reply, now)),
    onFailure: (error) => Effect.succeed(Delivery.verdictOfError(error)),
  })
