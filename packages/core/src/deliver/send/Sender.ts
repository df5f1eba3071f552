import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { hex } from "../../base/hex.ts"
import { monotonicMillisOf } from "../../base/monotonic.ts"
import { spanNames } from "../../base/Telemetry.ts"
import type { Spans } from "../../base/tracing/Spans.ts"
import { type Attempt, type AttemptRange, delivered } from "../../ports/Attempts.ts"
import type { Codec } from "../../ports/Codec.ts"
import type { Sink, SinkBatch } from "../../ports/Sink.ts"
import type { Destination } from "../../select/Destination.ts"
import type * as Delivery from "../Delivery.ts"
import type { Health } from "../health/Herald.ts"
import * as Circuit from "./circuit.ts"

/** What one request carries. */
export interface Parcel extends Omit<SinkBatch, "id"> {
  /** Names the replay it belongs to; `null` for live traffic. */
  readonly replay: string | null
  /** Where its events stand in the log; left out for those that are sent from elsewhere. */
  readonly range?: AttemptRange
  /** When the first of them was received, in ms; left out where that is told elsewhere. */
  readonly receivedAt?: number
}

/** What is known of an attempt that its record does not say. */
export interface AttemptFacts {
  /** For how many ms it has waited for the rate limit. */
  readonly limited: number
  /** When the first event was received, where it is sent for the first time. */
  readonly receivedAt: number | null
}

export interface Sent {
  readonly verdict: Delivery.Verdict
  /** Call once it is known how long the lane waits: then the attempt is on record. */
  readonly record: (wait: Delivery.Wait | null) => void
}

/** Sends to one destination, for all its lanes: they share its rate limit and its circuit. */
export interface Sender {
  readonly circuit: Circuit.Circuit["state"]
  readonly health: Health
  /** Lets the next attempt go at once, though the circuit is open: it is a probe. */
  readonly hurry: Effect.Effect<void>
  /**
   * @param mayStart asked when everything else lets the attempt start: not before it, and not long
   * ago
   */
  readonly send: <E>(parcel: Parcel, mayStart: Effect.Effect<void, E>) => Effect.Effect<Sent, E>
}

/**
 * How long to wait so that, on average, no more than this process's share of `rate` a second goes:
 * each request makes the next wait for what it carried.
 */
const pacer = (rate: number | null, share: () => number) => {
  let freeAt = Number.NEGATIVE_INFINITY
  return (count: number, now: number): number => {
    if (rate === null) return 0
    const wait = Math.max(freeAt - now, 0)
    freeAt = Math.max(freeAt, now) + (count / (rate * share())) * 1000
    return wait
  }
}

/**
 * @param sink makes the attempts
 * @param record takes what came of them, best effort
 * @param share which part of the rate limit is this process's
 * @param health is told of every attempt, too
 * @param spans makes one of each attempt; `null` when nobody looks
 */
export const make = (
  destination: Destination,
  codec: Pick<Codec["Service"], "crc32" | "sha256">,
  sink: Sink,
  record: (attempt: Attempt, facts: AttemptFacts) => void,
  share: () => number,
  health: Health,
  spans: Spans | null = null,
): Sender => {
  const events = pacer(destination.rateLimit.events, share)
  const requests = pacer(destination.rateLimit.requests, share)
  const circuit = Circuit.make()

  /**
   * The same for every attempt at the same events in the same form, also after a restart. The body
   * is part of it: rules, code and catalog may change between two attempts, and the same id has to
   * mean the same body.
   */
  const webhookId = ({ first, last, count, replay, body }: Parcel): string => {
    const form = JSON.stringify([destination.id, replay, first, last, count, body.length, codec.crc32(body)])
    return `msg_${hex(codec.sha256(form)).slice(0, 32)}`
  }

  const attempt = Effect.fnUntraced(function* <E>(parcel: Parcel, mayStart: Effect.Effect<void, E>) {
    const { body, count, first, last, origin, range, replay, receivedAt = null } = parcel
    const id = webhookId(parcel)
    const clock = yield* Clock.Clock
    const asked = monotonicMillisOf(clock)
    const pause = Math.max(events(count, asked), requests(1, asked))
    if (pause > 0) yield* Effect.sleep(pause)
    yield* mayStart
    const startedAt = clock.currentTimeMillisUnsafe()
    const began = monotonicMillisOf(clock)
    const sending = sink.send({ id, first, last, count, body, origin })
    const verdict = yield* spans === null
      ? sending
      : spans.partOrBegun(sending, {
          name: spanNames.attempt,
          kind: "client",
          attributes: {
            destination: destination.id,
            events: count,
            bytes: body.length,
            replay: replay !== null,
          },
          ended: ({ outcome, status }) => ({
            attributes: { outcome, ...(status === null ? {} : { "http.response.status_code": status }) },
            problem: outcome === delivered ? null : outcome,
          }),
        })
    const ended = monotonicMillisOf(clock)
    const isDown = verdict.outcome === "not-now" || verdict.outcome === "misconfigured"
    if (isDown) circuit.failed()
    else circuit.succeeded()
    yield* health.attempted(verdict)
    const sent: Sent = {
      verdict,
      record: (wait) => {
        if (isDown && wait !== null) circuit.restUntil(ended + wait.millis)
        const attempt: Attempt = {
          destination: destination.id,
          webhookId: id,
          startedAt,
          duration: ended - began,
          events: count,
          bytes: body.length,
          outcome: verdict.outcome,
          status: verdict.status,
          error: verdict.error,
          wait: wait?.millis ?? null,
          waitReason: wait?.reason ?? null,
          ...(range === undefined ? {} : { range }),
        }
        record(attempt, {
          limited: pause,
          receivedAt: replay === null ? receivedAt : null,
        })
      },
    }
    return sent
  })

  return {
    circuit: circuit.state,
    health,
    hurry: circuit.hurry,
    send: (parcel, mayStart) => circuit.pass(attempt(parcel, mayStart)),
  }
}
