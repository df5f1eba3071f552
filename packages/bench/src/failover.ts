import { createServer } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import { listen } from "./contestants/Contestant.ts"
import { nats } from "./failover/nats.ts"
import { postgres } from "./failover/postgres.ts"
import { redis } from "./failover/redis.ts"
import type { MakeStage, Mode } from "./failover/Stage.ts"
import { choice, number } from "./options.ts"
import { machine, median, print, progress, progressEnd, table } from "./report.ts"
import { type Served, serve } from "./served.ts"

/**
 * Lets a store's server die and another one take over, under servers that take events and deliver
 * them all the while. An event that was acknowledged before, and was only on the lost machine, may
 * be gone; such events are counted. Every event that is acknowledged afterwards has to arrive:
 * otherwise this ends with 1.
 */
const stages: Readonly<Record<string, MakeStage>> = { nats, postgres, redis }
const names = Object.keys(stages)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "20" },
    servers: { type: "string", default: "3" },
    sync: { type: "boolean", default: false },
    async: { type: "boolean", default: false },
  },
})

if (values.sync && values.async) throw new RangeError("--sync and --async: choose one")
const rounds = number("rounds", values.rounds)
const servers = number("servers", values.servers)
const mode: Mode = values.sync ? "sync" : "async"
const [kind] = choice("store", positionals[0] ?? "postgres", names)
const makeStage = stages[kind!]!

const key = "secret-failover"
/** ms between two requests of one sender. */
const between = 20
/**
 * ms of each phase: while everything is well, while nothing is replicated, and after the new
 * server's first acknowledgement.
 */
const phases = { well: 2000, behind: 3000, after: 4000 }
/** What a fail-over may take to be over, and then what is pending to arrive, in ms. */
const patience = { recovery: 60_000, delivery: 60_000 }

interface Acknowledged {
  readonly value: number
  /** By the monotonic clock of this process. */
  readonly at: number
}

interface Outcome {
  readonly before: number
  readonly lostBefore: number
  readonly after: number
  readonly lostAfter: number
  readonly again: number
  /** From the death of the server to the first acknowledgement of the next one, in ms. */
  readonly outage: number
}

const receive = async (arrived: Map<number, number>) => {
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      for (const [, value] of Buffer.concat(chunks)
        .toString()
        .matchAll(/"value":"(\d+)"/g)) {
        arrived.set(Number(value), (arrived.get(Number(value)) ?? 0) + 1)
      }
      response.writeHead(200, { "content-length": "0" }).end()
    })
  })
  const { port } = await listen(server)
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}/`, close }
}

const post = async (base: string, value: number): Promise<boolean> => {
  try {
    const response = await fetch(`${base}/v1/log_event`, {
      method: "POST",
      headers: { "statsig-api-key": key, "statsig-client-time": String(Date.now()) },
      body: JSON.stringify({ events: [{ eventName: "n", value, user: { userID: "u" }, time: Date.now() }] }),
      signal: AbortSignal.timeout(5000),
    })
    await response.arrayBuffer()
    return response.status === 202
  } catch {
    return false
  }
}

const until = async (holds: () => boolean, most: number): Promise<boolean> => {
  const end = performance.now() + most
  while (!holds()) {
    if (performance.now() > end) return false
    await pause(50)
  }
  return true
}

const play = async (): Promise<Outcome> => {
  const stage = await makeStage(mode)
  const arrived = new Map<number, number>()
  const receiver = await receive(arrived)
  const running: Array<Served> = []
  const acknowledged: Array<Acknowledged> = []
  let sending = true
  let next = 0
  try {
    for (let count = 0; count < servers; count++) {
      const config = {
        keys: { server: [key] },
        allowPrivateDestinations: ["127.0.0.1"],
        destinations: [{ id: "warehouse", url: receiver.url, batch: { maxDelay: "50 millis" } }],
      }
      running.push(await serve({ store: stage.url, flags: [], config }))
    }
    const send = async ({ base }: Served) => {
      while (sending) {
        const value = next++
        if (await post(base, value)) acknowledged.push({ value, at: performance.now() })
        await pause(between)
      }
    }
    const senders = running.map(send)
    await pause(phases.well)
    await stage.fallBehind()
    await pause(phases.behind)
    const diedAt = performance.now()
    await stage.failOver()
    const movedAt = performance.now()
    const isAfter = ({ at }: Acknowledged) => at > movedAt
    if (!(await until(() => acknowledged.some(isAfter), patience.recovery))) {
      throw new Error("nothing is taken after the fail-over")
    }
    await pause(phases.after)
    sending = false
    await Promise.all(senders)
    const after = acknowledged.filter(isAfter)
    const before = acknowledged.filter((one) => !isAfter(one))
    await until(() => after.every(({ value }) => arrived.has(value)), patience.delivery)
    const lost = ({ value }: Acknowledged) => !arrived.has(value)
    return {
      before: before.length,
      lostBefore: before.filter(lost).length,
      after: after.length,
      lostAfter: after.filter(lost).length,
      again: [...arrived.values()].filter((times) => times > 1).length,
      outage: after[0]!.at - diedAt,
    }
  } finally {
    sending = false
    await Promise.all(running.map((one) => one.stop()))
    receiver.close()
    await stage.dispose()
  }
}

const outcomes: Array<Outcome> = []
for (let round = 1; round <= rounds; round++) {
  progress(`${kind}, ${mode}, ${servers} server${servers > 1 ? "s" : ""}: round ${round} of ${rounds}`)
  outcomes.push(await play())
}
progressEnd()

const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0)
const outages = outcomes.map(({ outage }) => outage)
print(`${kind}, ${mode}, ${servers} server${servers > 1 ? "s" : ""}, fail-overs: ${rounds}. ${machine()}`)
const lines = table(
  ["acknowledged", "events", "never delivered"],
  [
    ["before", String(sum(({ before }) => before)), String(sum(({ lostBefore }) => lostBefore))],
    ["after", String(sum(({ after }) => after)), String(sum(({ lostAfter }) => lostAfter))],
  ],
)
for (const line of lines) print(line)
print(`delivered more than once: ${sum(({ again }) => again)} events`)
print(`without intake: ${median(outages).toFixed(0)} ms, at most ${Math.max(...outages).toFixed(0)} ms`)

const isLost = sum(({ lostAfter }) => lostAfter) > 0
const isLostBefore = mode === "sync" && sum(({ lostBefore }) => lostBefore) > 0
if (isLost || isLostBefore) {
  print("acknowledged events are lost")
  process.exitCode = 1
}
