import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { hex } from "../../base/hex.ts"
import { makeSparingly } from "../../base/logOncePerMinute.ts"
import { quietSleep } from "../../base/quietSleep.ts"
import { logMessages } from "../../base/Telemetry.ts"
import * as Utf8 from "../../base/utf8.ts"
import { delivered } from "../../ports/Attempts.ts"
import type { Codec } from "../../ports/Codec.ts"
import type { Sink, SinkReply } from "../../ports/Sink.ts"
import * as Alert from "./Alert.ts"
import type { AlertConfig, OnAlert } from "./AlertOptions.ts"

/** Alerts that wait for their receiver: older ones go when there are more. */
const maxWaiting = 100

/** After so many attempts, some four minutes, an alert is given up. */
const maxAttempts = 9

/** ms; it doubles with each attempt. */
const firstWait = 1_000

/** ms. A receiver may ask for a longer wait, up to this. */
const longestWait = 5 * 60 * 1000

/** Takes alerts, and keeps nobody waiting for them. */
export interface Alerting {
  /** Whether anybody wants alerts of one of these types. */
  readonly wants: (...types: ReadonlyArray<Alert.AlertKind>) => boolean
  /** Whether whoever gets alerts gets those of this type. */
  readonly tells: (type: Alert.AlertKind) => boolean
  readonly raise: (alert: Alert.Alert) => Effect.Effect<void>
}

export interface AlertingOptions {
  readonly config: AlertConfig | null
  /** The webhook that gets them; `null` without a configuration. */
  readonly sink: Sink | null
  readonly onAlert: OnAlert | undefined
  readonly codec: Pick<Codec["Service"], "sha256">
}

/** Whether another attempt at the same request may pass. */
const mayPass = ({ outcome }: SinkReply): boolean => outcome === "not-now" || outcome === "misconfigured"

const waitAfter = (attempts: number, { retryAfter }: SinkReply): number =>
  Math.min(Math.max(firstWait * 2 ** (attempts - 1), retryAfter ?? 0), longestWait)

/**
 * Sends alerts one after the other, each until it is delivered or given up: what a receiver does
 * delays nothing but other alerts.
 */
export const make = Effect.fnUntraced(function* ({
  config,
  sink,
  onAlert,
  codec,
}: AlertingOptions): Effect.fn.Return<Alerting, never, Scope.Scope> {
  const queue: Array<Alert.Alert> = []
  const more = Latch.makeUnsafe(false)
  const sayLost = makeSparingly()
  const sayCallback = makeSparingly()

  const lost = ({ type, destination }: Alert.Alert, why: Readonly<Record<string, unknown>>) =>
    sayLost(
      Effect.annotateLogs(Effect.logWarning(logMessages.alertLost), {
        type,
        ...(destination === null ? {} : { destination }),
        ...why,
      }),
    )

  const send = Effect.fnUntraced(function* (to: Sink, alert: Alert.Alert) {
    const text = Alert.toJson(alert)
    // The same for every attempt: a repeat is known by it.
    const id = `msg_${hex(codec.sha256(text)).slice(0, 32)}`
    const body = Utf8.encode(text)
    for (let attempts = 1; ; attempts++) {
      const reply = yield* to.send({ id, first: id, last: id, count: 1, body, origin: null })
      if (reply.outcome === delivered) return
      if (attempts === maxAttempts || !mayPass(reply)) {
        return yield* lost(alert, reply.status === null ? { error: reply.error } : { status: reply.status })
      }
      yield* quietSleep(waitAfter(attempts, reply))
    }
  })

  if (sink !== null) {
    const next = Effect.gen(function* () {
      yield* more.await
      const alert = queue.shift()
      if (alert === undefined) more.closeUnsafe()
      else yield* send(sink, alert)
    })
    yield* Effect.forkScoped(Effect.forever(next))
  }

  const enqueue = (alert: Alert.Alert): Effect.Effect<void> => {
    queue.push(alert)
    more.openUnsafe()
    const oldest = queue.length > maxWaiting ? queue.shift() : undefined
    return oldest === undefined ? Effect.void : lost(oldest, { error: `more than ${maxWaiting} wait` })
  }

  const call = (alert: Alert.Alert): Effect.Effect<void> =>
    onAlert === undefined
      ? Effect.void
      : Effect.tryPromise(async () => onAlert(alert)).pipe(
          Effect.catch(() =>
            sayCallback(
              Effect.annotateLogs(Effect.logWarning(logMessages.onAlertFailed), { type: alert.type }),
            ),
          ),
          Effect.forkDetach,
          Effect.asVoid,
        )

  const isSent = (type: Alert.AlertKind): boolean => sink !== null && config?.on.includes(type) === true
  return {
    wants: (...types) => onAlert !== undefined || types.some(isSent),
    tells: (type) => (sink === null ? onAlert !== undefined : isSent(type)),
    raise: (alert) => Effect.andThen(call(alert), isSent(alert.type) ? enqueue(alert) : Effect.void),
  }
})
