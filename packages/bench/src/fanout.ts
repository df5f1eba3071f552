import { setTimeout as pause } from "node:timers/promises"
import { Transport } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { pipeline } from "./pipeline.ts"
import { machine, median, print, table } from "./report.ts"
import { bodyOf, event } from "./requests.ts"

/**
 * Measures fan-out: n destinations on one log, each with a filter. Every event matches one of them,
 * so the cost must not grow with n times the events.
 */
const total = 300_000
const rounds = 3

const sink = Layer.succeed(Transport.Transport, {
  send: () => Effect.as(Effect.yieldNow, { status: 200, retryAfter: null, body: "" }),
})

const measure = async (count: number): Promise<number> => {
  const destinations = Array.from({ length: count }, (_, n) => ({
    id: `d${n}`,
    url: `http://127.0.0.1:9/${n}`,
    filter: { include: [`event-${n}`] },
  }))
  const { millrace, post } = await pipeline({ destinations, transport: sink })
  const bodies = Array.from({ length: 50 }, (_, at) =>
    bodyOf(
      Array.from({ length: 100 }, (_, n) => event(n, { eventName: `event-${(at * 100 + n * 7) % count}` })),
    ),
  )
  const before = process.cpuUsage()
  for (let sent = 0; sent < total; sent += 100) await post(bodies[(sent / 100) % bodies.length]!)
  for (;;) {
    const rows = await millrace.destinations()
    if (rows.every((row) => row.pending === 0)) break
    await pause(1000)
  }
  const { user, system } = process.cpuUsage(before)
  await millrace.close()
  return (user + system) / total
}

print(
  `Fan-out: ${total} events, each wanted by one destination. Intake included, nothing goes over the network. ${machine()}`,
)
await measure(1)
const rows: Array<ReadonlyArray<string>> = []
for (const count of [1, 10, 100, 1000]) {
  const costs: Array<number> = []
  for (let round = 0; round < rounds; round++) costs.push(await measure(count))
  rows.push([`${count} destinations`, median(costs).toFixed(1)])
}
for (const line of table(["", "us of CPU an event"], rows)) print(line)
