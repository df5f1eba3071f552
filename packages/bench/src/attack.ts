import { readFileSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import { bystanderName } from "./attack/bystanderEvent.ts"
import { techniques } from "./attack/techniques.ts"
import { choice, number } from "./options.ts"
import { contestantCore, driverCore, start } from "./processes.ts"
import type { AdversaryAbilities, AdversaryOptions } from "./programs/adversary.ts"
import type { BystanderAbilities, BystanderOptions } from "./programs/bystander.ts"
import type { WitnessAbilities } from "./programs/witness.ts"
import { machine, print, progress, progressEnd, publish, quantile, table } from "./report.ts"
import { serve } from "./served.ts"

/**
 * Lets an adversary who has nothing but the public client key attack a server, beside an honest
 * sender and two healthy destinations. One destination takes everything, the adversary's events
 * included; the other takes only the honest sender's. Ends with 1 when a bound of memory or latency
 * is passed, or an acknowledged event is lost.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    store: { type: "string", default: "sqlite" },
    seed: { type: "string", default: String(1 + (Date.now() % 1_000_000)) },
    "requests-per-second": { type: "string", default: "60" },
    "bytes-per-second": { type: "string", default: String(1024 * 1024) },
    connections: { type: "string", default: "400" },
    only: { type: "string" },
    json: { type: "string" },
  },
})

/** Bytes the process may have resident beyond what its log may keep in memory. */
const maxResident = 300 * 1000 * 1000
/** The memory store's cap. */
const memoryLogBytes = 128 * 1024 * 1024
/** ms; or ten times what it was before the attack, where the machine is that slow. */
const maxLatency = 250
const quietSeconds = 8

const minutes = number("minutes", values.minutes)
const [store] = choice("store", values.store, ["memory", "sqlite"] as const)
const seed = number("seed", values.seed)
const serverKey = "secret-attack"
const clientKey = "client-attack"

const residentOf = (pid: number): { readonly now: number; readonly peak: number } => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const bytes = (field: string) => 1024 * Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1])
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") }
}

const everything = await start<WitnessAbilities>("witness", driverCore)
const orders = await start<WitnessAbilities>("witness", driverCore)
const urlOf = async (witness: typeof orders) => `http://127.0.0.1:${await witness.ask("port")}/`
const batch = { maxDelay: "50 millis" }
const server = await serve({
  store: store!,
  core: contestantCore,
  flags: [],
  config: {
    keys: { server: [serverKey], client: [clientKey] },
    allowPrivateDestinations: ["127.0.0.1"],
    destinations: [
      { id: "everything", url: await urlOf(everything), batch },
      { id: "orders", url: await urlOf(orders), batch, filter: { include: [bystanderName] } },
    ],
  },
})
const bystander = await start<BystanderAbilities>("bystander", driverCore, {
  port: server.port,
  key: serverKey,
  requestsPerSecond: 40,
  eventsPerRequest: 5,
} satisfies BystanderOptions)

/** Latencies and delays, in ms, of all that has happened since the last look. */
const look = async () => ({
  intake: await bystander.ask("latencies"),
  everything: await everything.ask("delays"),
  orders: await orders.ask("delays"),
})

progress("before the attack")
await pause(2_000)
await look()
await pause(quietSeconds * 1000)
const quiet = await look()

const adversary = await start<AdversaryAbilities>("adversary", driverCore, {
  port: server.port,
  key: clientKey,
  seed,
  requestsPerSecond: number("requests-per-second", values["requests-per-second"]),
  bytesPerSecond: number("bytes-per-second", values["bytes-per-second"]),
  connections: number("connections", values.connections),
  only: values.only ?? null,
} satisfies AdversaryOptions)
const resident: Array<number> = []
const ends = performance.now() + minutes * 60_000
while (performance.now() < ends) {
  await pause(1_000)
  const { now } = residentOf(server.pid)
  resident.push(now)
  progress(`${Math.ceil((ends - performance.now()) / 1000)} s to go, ${Math.round(now / 1e6)} MB resident`)
}
await adversary.ask("end")
const attacked = await look()
const acknowledged = await bystander.ask("end")
const statuses = await bystander.ask("statuses")

/** All that is pending has been sent, or it has not within a minute. */
const missing = async (): Promise<number> =>
  (await everything.ask("missing", acknowledged)) + (await orders.ask("missing", acknowledged))
let lost = await missing()
for (let waited = 0; lost > 0 && waited < 60; waited++) {
  progress(`${lost} events under way`)
  await pause(1_000)
  lost = await missing()
}
progressEnd()
const { peak } = residentOf(server.pid)
const attack = await adversary.ask("done")
const sentOn = await everything.ask("bytes")
await server.stop()
for (const one of [adversary, bystander, everything, orders]) await one.stop()

const p99 = {
  intake: { quiet: quantile(quiet.intake, 0.99), attacked: quantile(attacked.intake, 0.99) },
  everything: { quiet: quantile(quiet.everything, 0.99), attacked: quantile(attacked.everything, 0.99) },
  orders: { quiet: quantile(quiet.orders, 0.99), attacked: quantile(attacked.orders, 0.99) },
}
const residentLimit = maxResident + (store === "memory" ? memoryLogBytes : 0)
const refused = Object.entries(statuses).filter(([status]) => status !== "202")
const failures = [
  ...(peak > residentLimit
    ? [`${Math.round(peak / 1e6)} MB were resident: ${Math.round(residentLimit / 1e6)} MB are allowed`]
    : []),
  ...Object.entries(p99).flatMap(([name, { quiet, attacked }]) =>
    attacked > Math.max(maxLatency, 10 * quiet)
      ? [
          `${name}: the 99th percentile was ${attacked.toFixed(0)} ms, before the attack ${quiet.toFixed(0)} ms`,
        ]
      : [],
  ),
  ...(lost > 0 ? [`${lost} acknowledged events have not arrived`] : []),
  ...refused.map(([status, requests]) => `${requests} honest requests got ${status}`),
]

const ms = (value: number): string => value.toFixed(0)
publish(
  values.json,
  { benchmark: "attack", store, seed, minutes, attack, resident, peak, p99, statuses, lost, failures },
  [
    `Attack: ${minutes} minutes with seed ${seed} on ${store}, ${attack.requests} requests and ${(attack.bytes / 1e6).toFixed(0)} MB of ${techniques.length} kinds. ${machine()}`,
    ...table(
      ["99th percentile, ms", "before", "during"],
      Object.entries(p99).map(([name, { quiet, attacked }]) => [name, ms(quiet), ms(attacked)]),
    ),
    `  resident: ${Math.round(quantile(resident, 0.5) / 1e6)} MB in the middle, ${Math.round(peak / 1e6)} MB at most`,
    `  acknowledged: ${acknowledged.length} events of the honest sender, ${lost} not arrived; sent on: ${(sentOn / 1e6).toFixed(0)} MB`,
    "  what the adversary got",
    ...table(
      ["", "replies"],
      Object.entries(attack.replies).map(([name, byStatus]) => [
        name,
        Object.entries(byStatus)
          .map(([status, times]) => `${status}: ${times}`)
          .join(", "),
      ]),
    ),
  ],
)
for (const failure of failures) print(`FAILED: ${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1
