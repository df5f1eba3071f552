import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { monotonicMillis } from "../base/monotonic.ts"
import { quietSleep } from "../base/quietSleep.ts"
import { logMessages } from "../base/Telemetry.ts"
import { type Sum, type Tally, tally, untold } from "../base/tally.ts"
import { Ingest } from "./Ingest.ts"
import type { IntakeWatch, RefusedRequests } from "./IntakeWatch.ts"

const isOfKey = ({ status }: RefusedRequests): boolean => status === 401

const sum = ({ count, isFirst }: Sum) => (isFirst ? { requests: count } : { requests: count, within: "1h" })

interface Kind {
  readonly message: string
  readonly isOne: (refusal: RefusedRequests) => boolean
  readonly total: (watch: IntakeWatch) => number
  /** What is said of the last one. */
  readonly say: (last: RefusedRequests) => Readonly<Record<string, unknown>>
}

const kinds: ReadonlyArray<Kind> = [
  {
    message: logMessages.keysRefused,
    isOne: isOfKey,
    total: (watch) => watch.refusedKeyCount,
    say: ({ route, keyKind }) => ({ route, key: keyKind ?? "none" }),
  },
  {
    message: logMessages.requestsRefused,
    isOne: (refusal) => !isOfKey(refusal),
    total: (watch) => watch.refusedCount - watch.refusedKeyCount,
    say: ({ route, status, message }) => ({ route, status, reason: message }),
  },
]

/**
 * Says that requests are refused: the first at once, and how many there were once an hour while
 * there are more. It does nothing while none is.
 */
export const layer: Layer.Layer<never, never, Ingest> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { watch } = yield* Ingest
    const refused = Latch.makeUnsafe(false)
    const told: Array<Tally> = kinds.map(() => untold)
    watch.onRefused(() => refused.openUnsafe())

    const review = Effect.gen(function* () {
      const now = yield* monotonicMillis
      for (const [at, { message, isOne, total, say }] of kinds.entries()) {
        const [next, more] = tally(told[at]!, total(watch), now)
        told[at] = next
        const last = watch.refusals.find(isOne)
        if (more === null || last === undefined) continue
        yield* Effect.annotateLogs(Effect.logWarning(message), { ...sum(more), ...say(last) })
      }
    })
    const untilDue = Effect.gen(function* () {
      const due = Math.min(...told.map((one) => one.due ?? Number.POSITIVE_INFINITY))
      if (due === Number.POSITIVE_INFINITY) return yield* refused.await
      const now = yield* monotonicMillis
      yield* Effect.raceFirst(refused.await, quietSleep(due - now))
    })
    const once = Effect.gen(function* () {
      yield* untilDue
      refused.closeUnsafe()
      yield* review
    })
    yield* Effect.forkScoped(Effect.forever(once))
  }),
)
