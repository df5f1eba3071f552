import { setTimeout as pause } from "node:timers/promises"
import { Ledger } from "@millrace/core/host"
import { pipeline } from "./pipeline.ts"
import { driverCore, start } from "./processes.ts"
import type { ReceiverAbilities, ReceiverOptions } from "./programs/receiver.ts"
import { machine, print, quantile } from "./report.ts"
import { body } from "./requests.ts"

/**
 * Measures isolation: 1,000 events a second for 20 seconds to a healthy destination, alone and then
 * beside three sick ones. One is down from the start, one answers in 3 s, one resets every second
 * connection. Afterwards every ledger must add up.
 */
const seconds = 20
const batch = { maxDelay: "50 millis" } as const

const receiver = async (options: ReceiverOptions = {}) => {
  const running = await start<ReceiverAbilities>("receiver", driverCore, options)
  return { ...running, url: `http://127.0.0.1:${await running.ask("port")}/` }
}

const run = async (withSick: boolean): Promise<number> => {
  const healthy = await receiver()
  const slow = await receiver({ delay: 3000 })
  const flaky = await receiver({ flaky: true })
  const { millrace, post } = await pipeline({
    destinations: [
      { id: "healthy", url: healthy.url, batch },
      ...(withSick
        ? [
            { id: "down", url: "http://127.0.0.1:9/", batch },
            { id: "slow", url: slow.url, batch },
            { id: "flaky", url: flaky.url, batch },
          ]
        : []),
    ],
  })
  const started = performance.now()
  for (let tick = 0; tick < seconds * 100; tick++) {
    await post(body(10, { time: Date.now() }))
    await pause(Math.max(started + (tick + 1) * 10 - performance.now(), 0))
  }
  let delays = await healthy.ask("delays")
  while (delays.length < seconds * 1000) {
    await pause(100)
    delays = await healthy.ask("delays")
  }
  const rows = await millrace.destinations()
  for (const row of rows) if (!Ledger.addsUp(row)) throw new Error(`does not add up: ${JSON.stringify(row)}`)
  await millrace.close({ deadline: "1 second" })
  for (const one of [healthy, slow, flaky]) await one.stop()
  return quantile(delays, 0.99)
}

print(`Isolation: 1,000 events/s for ${seconds} s, batches of at most 50 ms. ${machine()}`)
print(`  healthy alone                       p99 ${await run(false)} ms from event to arrival`)
print(`  beside a dead, a slow, a flaky one  p99 ${await run(true)} ms`)
