import * as Effect from "effect/Effect"
import type { EventLog } from "../../ports/EventLog.ts"
import { conditionOf } from "../../ports/StoreError.ts"
import type { StoreHealth } from "../../ports/StoreHealth.ts"
import type { StatusNow } from "../rows/stream.ts"

/** ms that a store gets to say whether it takes events. */
const answerWithin = 1_500

type Facts = StatusNow["store"]

/** What is known of the log while it answers. */
const countsOf = Effect.fnUntraced(function* (log: EventLog["Service"]) {
  let bytes = 0
  let events = 0
  let oldestAt: number | null = null
  for (let partition = 0; partition < log.partitions; partition++) {
    const bounds = yield* log.bounds(partition)
    const end = yield* log.stats(partition, bounds.head)
    const begin = yield* log.stats(partition, bounds.tail)
    bytes += bounds.bytes
    events += Math.max(end.events - begin.events, 0)
    if (bounds.oldestAt !== null) oldestAt = Math.min(bounds.oldestAt, oldestAt ?? bounds.oldestAt)
  }
  return { bytes, events, oldestAt }
})

/** Says how the store is, and since when it has not been well. */
export const make = (
  log: EventLog["Service"],
  health: StoreHealth["Service"],
  keepFor: number | null,
): ((now: number) => Effect.Effect<Facts>) => {
  let counts: Pick<Facts, "bytes" | "events" | "oldestAt"> = { bytes: null, events: 0, oldestAt: null }
  let problemSince: number | null = null
  const problem: Effect.Effect<string | null> = health.probe.pipe(
    Effect.as(null),
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () => Effect.succeed(`the store does not answer within ${answerWithin} ms`),
    }),
    Effect.catch(({ reason, message }) => Effect.succeed(`the store is ${conditionOf(reason)}: ${message}`)),
  )
  return (now) =>
    Effect.gen(function* () {
      const found = yield* problem
      problemSince = found === null ? null : (problemSince ?? now)
      if (found === null) counts = yield* Effect.orElseSucceed(countsOf(log), () => counts)
      return { problem: found, problemSince, durability: log.durability, ...counts, cap: health.cap, keepFor }
    })
}
