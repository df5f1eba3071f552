/**
 * Whether a host of Statsig's can be reached, as far as its last answers tell. While it is away
 * nobody waits for it: one request every few seconds tries whether it is back, and what it finds
 * counts for all.
 */
import { monotonicMillis } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { HostName } from "./Options.ts"
import type { UpstreamError, UpstreamReply } from "./Upstream.ts"

/** ms between two tries while a host is away. */
const restFor = 3_000

/** After so many failures in a row a host is away. One time-out may be the request's own doing. */
const patience = 2

export interface Reach {
  readonly isAway: () => boolean
  /** Whether a request may be sent now. True once every few seconds while the host is away. */
  readonly admit: Effect.Effect<boolean>
  /** Runs a request, and notes what its outcome says of the host. */
  readonly noting: (
    sending: Effect.Effect<UpstreamReply, UpstreamError>,
  ) => Effect.Effect<UpstreamReply, UpstreamError>
}

/** What a proxy says when there is nothing behind it. A 500 may be of this request alone. */
const saysAway = (status: number): boolean => status === 502 || status === 503 || status === 504

/** How much a failure says: without a connection everything is said. */
const weightOf = ({ reason }: UpstreamError): number => {
  switch (reason) {
    case "NoConnection":
      return patience
    case "Unanswered":
    case "Broken":
    case "Timeout":
      return 1
    case "TooLarge":
    case "Overloaded":
      return 0
  }
}

export const make = (host: HostName): Reach => {
  let failures = 0
  let restingUntil = Number.NEGATIVE_INFINITY

  const say = (line: Effect.Effect<void>, fields: Readonly<Record<string, unknown>>) =>
    Effect.annotateLogs(line, { host, ...fields })

  const failed = (weight: number, reason: string): Effect.Effect<void> =>
    Effect.flatMap(monotonicMillis, (now) => {
      const wasAway = failures >= patience
      failures += weight
      if (failures < patience) return Effect.void
      restingUntil = now + restFor
      return wasAway
        ? Effect.void
        : say(Effect.logWarning("Statsig does not answer: what is kept is served in its place"), { reason })
    })

  const succeeded = Effect.suspend(() => {
    const wasAway = failures >= patience
    failures = 0
    return wasAway ? say(Effect.logInfo("Statsig answers again"), {}) : Effect.void
  })

  return {
    isAway: () => failures >= patience,
    admit: Effect.map(monotonicMillis, (now) => {
      if (failures < patience) return true
      if (now < restingUntil) return false
      restingUntil = now + restFor
      return true
    }),
    noting: (sending) =>
      sending.pipe(
        Effect.tap(({ status }) => (saysAway(status) ? failed(1, String(status)) : succeeded)),
        Effect.tapError((error) => {
          const weight = weightOf(error)
          return weight === 0 ? Effect.void : failed(weight, error.code ?? error.reason)
        }),
      ),
  }
}
