/** Sends one request to Statsig, within the bounds, and says what the outcome tells of the host. */
import * as Effect from "effect/Effect"
import type { Reach } from "./Reach.ts"
import { Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from "./Upstream.ts"

/** The largest config specs known are a third of it. */
const maxReplyBytes = 32 * 1024 * 1024

export type Send = (
  request: Omit<UpstreamRequest, "maxBytes">,
  reach: Reach,
  timeout: number,
) => Effect.Effect<UpstreamReply, UpstreamError>

const timedOut = new UpstreamError({ reason: "Timeout", code: null })

/** Whether it may be worth another try at once, and does nothing twice. */
const mayPass = ({ reason }: UpstreamError): boolean => reason === "Unanswered"

/** @param timeout ms, for everything */
export const makeSend: Effect.Effect<Send, never, Upstream> = Effect.map(
  Upstream,
  ({ send }): Send =>
    (request, reach, timeout) => {
      const sending = send({ ...request, maxBytes: maxReplyBytes })
      return reach.noting(
        Effect.timeoutOrElse(
          Effect.catchIf(sending, mayPass, () => sending),
          { duration: timeout, orElse: () => Effect.fail(timedOut) },
        ),
      )
    },
)
