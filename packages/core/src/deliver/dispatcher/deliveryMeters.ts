import type { Counter, Histogram } from "../../base/metrics/cells.ts"
import { coreMetrics } from "../../base/metrics/coreMetrics.ts"
import { type Registry, Series } from "../../base/metrics/Series.ts"
import { type Attempt, delivered } from "../../ports/Attempts.ts"

/** What the status of an answer begins with; `none` where there was no answer. */
type Answer = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "none"

const answers: ReadonlyArray<Answer> = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"]

const answerOf = (status: number | null): Answer =>
  (status === null ? undefined : answers[Math.floor(status / 100)]) ?? "none"

interface Meters {
  readonly attempts: Map<Answer, Counter>
  readonly duration: Histogram
  readonly delay: Histogram
}

/** Counts this process's attempts by destination. */
export interface DeliveryMeters {
  /** @param receivedAt of the first event, in ms; `null` where that is no measure */
  readonly attempted: (attempt: Attempt, receivedAt: number | null) => void
  /** Forgets all but these: others have been removed. */
  readonly retain: (isKnown: (destination: string) => boolean) => void
}

export const make = (registry: Registry): DeliveryMeters => {
  const attempts = Series.counters(registry, coreMetrics.attempts)
  const durations = Series.histograms(registry, coreMetrics.attemptDuration)
  const delays = Series.histograms(registry, coreMetrics.deliveryDelay)
  const known = new Map<string, Meters>()

  const metersOf = (destination: string): Meters => {
    const found = known.get(destination)
    if (found !== undefined) return found
    const made = {
      attempts: new Map<Answer, Counter>(),
      duration: durations.at(destination),
      delay: delays.at(destination),
    }
    known.set(destination, made)
    return made
  }

  return {
    attempted: ({ destination, startedAt, duration, outcome, status }, receivedAt) => {
      const meters = metersOf(destination)
      const answer = answerOf(status)
      let count = meters.attempts.get(answer)
      if (count === undefined) {
        count = attempts.at(destination, answer)
        meters.attempts.set(answer, count)
      }
      count.add(1)
      meters.duration.observe(duration)
      if (outcome === delivered && receivedAt !== null) {
        meters.delay.observe(startedAt + duration - receivedAt)
      }
    },
    retain: (isKnown) => {
      for (const id of known.keys()) if (!isKnown(id)) known.delete(id)
      for (const series of [attempts, durations, delays]) series.retain(([id = ""]) => isKnown(id))
    },
  }
}
