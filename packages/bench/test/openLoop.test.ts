import * as fc from "fast-check"
import { expect, it } from "vitest"
import { arrivals, follow } from "../src/openLoop.ts"

it("a schedule rises, stays within its time, and is the same for the same seed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer(), (perSecond, seed) => {
      const times = arrivals(perSecond, 1, seed)
      expect(times).toEqual(arrivals(perSecond, 1, seed))
      expect(times.every((time, index) => time >= (times[index - 1] ?? 0) && time < 1000)).toBe(true)
    }),
  )
})

it("a schedule has as many arrivals as it was asked for, and its gaps are those of chance", () => {
  const times = arrivals(10_000, 10)
  expect(Math.abs(times.length - 100_000)).toBeLessThan(1000)
  const longGaps = times.filter((time, index) => index > 0 && time - times[index - 1]! > 0.2).length
  // Two means and more are exceeded by e to the -2 of exponential gaps.
  expect(longGaps / times.length).toBeCloseTo(Math.exp(-2), 2)
})

/**
 * Makes a server that takes so long for each request, on a clock of its own: time goes on to the
 * next thing that happens.
 */
const world = (service: number, connections: number) => {
  let now = 0
  const events: Array<{ readonly at: number; readonly run: () => void }> = []
  const client = {
    send: (_request: Buffer, onReply: () => void) => void events.push({ at: now + service, run: onReply }),
  }
  let step: (() => void) | null = null
  const clients = Array.from({ length: connections }, () => client)
  const drive = (schedule: Float64Array) => {
    const result = follow(clients, Buffer.alloc(0), schedule, {
      now: () => now,
      later: (run) => {
        step = run
      },
    })
    const due = [...schedule]
    while (step !== null || events.length > 0) {
      events.sort((a, b) => a.at - b.at)
      const next = Math.min(
        events[0]?.at ?? Number.POSITIVE_INFINITY,
        due.find((time) => time > now) ?? Number.POSITIVE_INFINITY,
      )
      now = Math.max(now, next)
      while (events[0] !== undefined && events[0].at <= now) events.shift()!.run()
      const run: (() => void) | null = step
      step = null
      ;(run as (() => void) | null)?.()
    }
    return result
  }
  return { drive }
}

it("latency counts from the time a request was due: those that wait for a connection are charged with it", async () => {
  // One connection takes 10 ms a request, and one is due every 5 ms: each waits 5 ms longer than
  // the last.
  const schedule = Float64Array.from({ length: 20 }, (_, n) => n * 5)
  expect([...(await world(10, 1).drive(schedule))]).toEqual(Array.from({ length: 20 }, (_, n) => 10 + n * 5))
})

it("with connections enough every request takes as long as the server does", async () => {
  const schedule = Float64Array.from({ length: 20 }, (_, n) => n * 5)
  expect([...(await world(10, 3).drive(schedule))]).toEqual(Array.from({ length: 20 }, () => 10))
})

it("no schedule, no latencies", async () => {
  expect(await world(10, 1).drive(new Float64Array())).toEqual(new Float64Array())
})
