import type { Destination, OutputOf } from "../../../web/api/rows.ts"
import { noise } from "./noise.ts"

type History = OutputOf<"destinations/history">

const minute = 60_000

const shapes = {
  "1h": [60, minute],
  "6h": [72, 5 * minute],
  "24h": [96, 15 * minute],
  "7d": [84, 120 * minute],
} as const

/** A destination's history that agrees with how it is doing now. */
export const historyAt = (
  now: number,
  row: Destination,
  range: keyof typeof shapes,
  since: number,
): History => {
  const [length, step] = shapes[range]
  const from = Math.floor(now / step) * step - (length - 1) * step
  const random = noise(row.id.length * 97 + length)
  const t = Array.from({ length }, (_, at) => from + at * step)
  const fails = (time: number) => row.failingSince !== null && time + step > row.failingSince
  const off = (time: number) => row.disabled !== null && time > row.disabled.at
  const known = (value: (time: number) => number | null) =>
    t.map((time) => (time + step < since ? null : value(time)))
  const perBucket = (step / minute) * 22
  const rate = row.rate === 0 ? 30 : row.rate
  const delivered = known((time) =>
    fails(time) || off(time) ? 0 : Math.round(perBucket * (0.9 + random() * 0.2)),
  )
  const failed = known((time) => {
    if (!fails(time) || row.failingSince === null) return random() < 0.02 ? 1 : 0
    const after = (time - row.failingSince) / minute
    return after < 2 ? 4 : Math.log2(after + 1) % 1 < 0.2 ? 1 : 0
  })
  const growing = (time: number) => {
    const start = row.failingSince ?? row.disabled?.at ?? null
    if (start === null) return 1
    return time < start ? 0.001 : (time - start) / (now - start)
  }
  return {
    from,
    step,
    since,
    at: now,
    delivered,
    failed,
    half: known((time) => (fails(time) || off(time) ? null : 80 + random() * 20)),
    most: known((time) => (fails(time) || off(time) ? null : 240 + random() * 90)),
    waiting: known((time) => Math.round(row.pending * growing(time) * (0.97 + random() * 0.03))),
    delay: known((time) => Math.round((row.lag ?? 0) * growing(time))),
    events: known((time) =>
      fails(time) || off(time) ? 0 : Math.round((rate + row.filterRate) * (step / 1000)),
    ),
    forwarded: known((time) => (fails(time) || off(time) ? 0 : Math.round(rate * (step / 1000)))),
    filtered: known((time) => (fails(time) || off(time) ? 0 : Math.round(row.filterRate * (step / 1000)))),
    dead: known(() => 0),
    rateLimited: known(() => (row.limit === null ? 0 : Math.round(step * 0.4))),
    error: t.map((time, at) =>
      (failed[at] ?? 0) > 0 && fails(time) ? "answered 503: upstream connect error" : null,
    ),
  }
}
