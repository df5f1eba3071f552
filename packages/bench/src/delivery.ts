import { setTimeout as pause } from "node:timers/promises"
import { Agent, request } from "undici"
import { bodyOf, event, pipeline } from "./pipeline.ts"
import { receiver } from "./receiver.ts"
import { machine, print, spread } from "./report.ts"

/** Delivery: one destination, batches of 500, against a loop of `JSON.stringify` and undici that sends the same events. */
const total = 200_000
const perBatch = 500
const rounds = 5

const cpu = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000_000
}

const bareLoop = async (url: string): Promise<number> => {
  const agent = new Agent()
  const events = Array.from({ length: perBatch }, (_, n) => ({
    ...event(n),
    userID: `user-${n}`,
    timestamp: Date.now(),
    statsigMetadata: { sdkType: "statsig-node" },
    timeUUID: "f4c414a0-8aa5-11ec-a8a3-0242ac120002",
  }))
  const before = process.cpuUsage()
  for (let sent = 0; sent < total; sent += perBatch) {
    const { body } = await request(url, { method: "POST", body: JSON.stringify(events), dispatcher: agent })
    await body.dump()
  }
  const seconds = cpu(before)
  await agent.close()
  return total / seconds
}

const millrace = async (url: string): Promise<number> => {
  // Not started yet: first everything is stored, then it is delivered, so that intake is not measured.
  const target = { id: "sink", url, batch: { maxEvents: perBatch }, rateLimit: { requests: null } }
  const { millrace, post, delivered } = await pipeline([{ ...target, enabled: true }])
  await millrace.disable("sink")
  const body = bodyOf(Array.from({ length: 100 }, (_, n) => event(n)))
  for (let sent = 0; sent < total; sent += 100) await post(body)
  const before = process.cpuUsage()
  await millrace.enable("sink")
  while ((await delivered()) < total) await pause(5)
  const seconds = cpu(before)
  await millrace.close()
  return total / seconds
}

const sink = await receiver()
const bare: Array<number> = []
const ours: Array<number> = []
for (let round = 0; round < rounds; round++) {
  bare.push(await bareLoop(sink.url))
  ours.push(await millrace(sink.url))
}
sink.stop()
print(`Delivery of ${total} events in batches of ${perBatch}, memory store. ${machine()}`)
print(`  bare JSON.stringify + undici   ${spread(bare, 0)} events per CPU second`)
print(
  `  Millrace (read, parse, filter, export, batch, send, save)   ${spread(ours, 0)} events per CPU second`,
)
print(`  ratio   ${spread(ours.map((rate, round) => rate / bare[round]!))}\n`)
