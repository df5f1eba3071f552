import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { coreMetrics } from "../base/metrics/coreMetrics.ts"
import * as PrometheusText from "../base/metrics/PrometheusText.ts"
import { Series } from "../base/metrics/Series.ts"
import { Steering } from "../deliver/Steering.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { EventLog } from "../ports/EventLog.ts"
import { StoreHealth } from "../ports/StoreHealth.ts"
import { readRows } from "./ledgerRows.ts"
import { Metering } from "./Metering.ts"
import type { DestinationRow } from "./rows/destinationRow.ts"

/** Shorter than a scraper waits (ms). */
const answerWithin = 2_000

const outcomes = ["delivered", "filtered", "dead", "trimmed"] as const

/** What the store knows, by destination. */
const destinationSeries = (registry: (typeof Metric.MetricRegistry)["Service"]) => {
  const events = Series.counters(registry, coreMetrics.destinationEvents)
  const pending = Series.gauges(registry, coreMetrics.destinationPending)
  const oldest = Series.gauges(registry, coreMetrics.destinationOldest)
  const sent = Series.counters(registry, coreMetrics.destinationSent)
  const failures = Series.gauges(registry, coreMetrics.destinationFailures)
  const open = Series.gauges(registry, coreMetrics.destinationCircuitOpen)
  const disabled = Series.gauges(registry, coreMetrics.destinationDisabled)
  const all = [events, pending, oldest, sent, failures, open, disabled]
  return {
    set: (row: DestinationRow): void => {
      const { id } = row
      for (const outcome of outcomes) events.at(id, outcome).set(row[outcome])
      pending.at(id).set(row.pending)
      oldest.at(id).set((row.lag ?? 0) / 1_000)
      sent.at(id).set(row.sent)
      failures.at(id).set(row.failures)
      open.at(id).set(row.circuit === "closed" ? 0 : 1)
      disabled.at(id).set(row.disabled === null ? 0 : 1)
    },
    retain: (isKnown: (destination: string) => boolean): void => {
      for (const series of all) series.retain(([id = ""]) => isKnown(id))
    },
  }
}

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const destinations = yield* Destinations
  const deadLetters = yield* DeadLetters
  const { cap } = yield* StoreHealth
  const { meters, roster } = yield* Steering
  const registry = yield* Metric.MetricRegistry
  const context = yield* Effect.context()
  const up = Series.gauges(registry, coreMetrics.storeUp).at()
  const rows = destinationSeries(registry)
  const letters = Series.gauges(registry, coreMetrics.deadLetters)
  const logBytes = Series.gauges(registry, coreMetrics.logBytes)
  const logMaxBytes = Series.gauges(registry, coreMetrics.logMaxBytes)

  const bytesOfLog = Effect.gen(function* () {
    let bytes = 0
    for (let partition = 0; partition < log.partitions; partition++)
      bytes += (yield* log.bounds(partition)).bytes
    return bytes
  })
  const asked = Effect.all([
    readRows({ log, cursors, destinations }, () => false),
    deadLetters.count,
    bytesOfLog,
  ])
  // A call that hangs is left behind: waiting for its interruption would take as long as the call.
  const answer = Effect.promise(() => Effect.runPromiseWith(context)(Effect.result(asked))).pipe(
    Effect.flatMap(Effect.fromResult),
    Effect.timeout(answerWithin),
    Effect.option,
  )

  const look = Effect.map(answer, (found) => {
    up.set(found._tag === "Some" ? 1 : 0)
    const none = () => false
    if (found._tag === "None") {
      rows.retain(none)
      for (const series of [letters, logBytes, logMaxBytes]) series.retain(none)
      return
    }
    const [read, counts, bytes] = found.value
    const ids = new Set(read.map(({ id }) => id))
    rows.retain((id) => ids.has(id))
    for (const row of read) rows.set(row)
    meters.retain((id) => ids.has(id) || roster.all.has(id))
    letters.retain(([id = ""]) => counts.has(id))
    for (const [id, count] of counts) letters.at(id).set(count)
    logBytes.at().set(bytes)
    if (cap !== null) logMaxBytes.at().set(cap)
  })

  const families = Effect.map(look, () => PrometheusText.families(Metric.snapshotUnsafe(context)))
  return { look, families, text: Effect.map(families, PrometheusText.format) }
})

/** Reads the metrics of a dispatcher and an intake that run. */
export const layer: Layer.Layer<
  Metering,
  never,
  Steering | EventLog | Cursors | Destinations | DeadLetters | StoreHealth
> = Layer.effect(Metering, make)
