import { setTimeout as delay } from "node:timers/promises"
import { describeServer } from "@millrace/test-servers"
import { expect, test } from "vitest"
import { residentBytes, type Server, serve } from "../support/command.ts"
import { endedWell } from "../support/ending.ts"
import { engines } from "../support/engines.ts"
import { type Load, makeLoad } from "../support/load.ts"
import { configured, key, say, seconds } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

const senders = 8

/**
 * Bytes of each event that comes while the store is away: far more of them than `mostGrowth`
 * holds.
 */
const padding = 16_384

const refusals = 4_000

const megabyte = 1024 * 1024

/**
 * What millrace may take more than it did before: what waits for the store is bounded, and Node's
 * heap has its own will.
 */
const mostGrowth = 300 * megabyte

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status

const answers = async (url: string, status: number): Promise<void> => {
  while ((await statusOf(url)) !== status) await delay(50)
}

/**
 * Takes the store away under load and gives it back; returns how much memory it took, and how long
 * it was not taken from.
 */
const outage = async (
  server: Server,
  load: Load,
  name: string,
  enough: number,
  { begin, end }: { readonly begin: () => Promise<void> | void; readonly end: () => Promise<void> },
) => {
  const [before, during, after] = [`before ${name}`, name, `after ${name}`]
  load.during(before)
  await load.until(() => load.answers(before).acknowledged >= 200)
  const resident = residentBytes(server.pid)

  await begin()
  load.during(during, padding)
  await answers(`${server.url}/readyz`, 503)
  let peak = 0
  await load.until(() => {
    peak = Math.max(peak, residentBytes(server.pid))
    return load.answers(during).refused >= enough
  })
  expect(await statusOf(`${server.url}/livez`)).toBe(200)
  expect(await statusOf(`${server.url}/readyz`)).toBe(503)
  expect(load.answers(during).acknowledged).toBe(0)
  expect((peak - resident) / megabyte).toBeLessThan(mostGrowth / megabyte)

  load.during(after)
  const restoredAt = performance.now()
  await end()
  await load.until(() => load.answers(after).acknowledged >= 200)
  const recovery = performance.now() - restoredAt
  await answers(`${server.url}/readyz`, 200)
  return { growth: peak - resident, recovery }
}

for (const { kind, name, start } of engines) {
  describeServer(kind, name, () => {
    test("the network is cut, and then passes nothing on: 503 while that lasts, in little memory, and all goes on by itself", async () => {
      const engine = await start({ timeout: 3_000 })
      const network = await engine.network()
      const receiver = await receive()
      const cwd = configured(receiver)
      const load = makeLoad(key, senders, { pause: 2 })
      const server = await serve(["--store", network.store], { cwd })
      const sending = load.send(server.url)

      const cut = await outage(server, load, "cut", refusals, { begin: network.cut, end: network.restore })
      const stalled = await outage(server, load, "stalled", 20 * senders, {
        begin: network.stall,
        end: network.restore,
      })

      const repeated = await endedWell({ store: engine.store, server, load, sending, receiver })
      const figures = ({ growth, recovery }: typeof cut) =>
        `${Math.round(growth / megabyte)} MB more, back after ${seconds(recovery)}`
      say(
        `${name}: cut off, ${load.answers("cut").refused} batches refused, ${figures(cut)}; ` +
          `stalled, ${load.answers("stalled").refused} refused, ${figures(stalled)}; ${repeated.length} requests repeated, ` +
          `the longest answer after ${seconds(load.longest())}, nothing taken for ${seconds(load.drought())} at the most`,
      )
    }, 240_000)
  })
}
