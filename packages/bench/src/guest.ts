import { parseArgs } from "node:util"
import type { StoreName } from "./contestants/millrace.ts"
import { describe, environment } from "./environment.ts"
import { load, withClients } from "./load.ts"
import { arrivals, follow, openLoad } from "./openLoop.ts"
import { choice, number } from "./options.ts"
import { orderRequest } from "./orders.ts"
import { contestantCore, driverCore, pinDriver, type Running, start } from "./processes.ts"
import type { HostAbilities, HostOptions } from "./programs/host.ts"
import type { SinkAbilities } from "./programs/sink.ts"
import { median, progress, progressEnd, publish, quantile, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { turns } from "./turns.ts"

/**
 * Measures what a host pays for Millrace: an Express app that parses, computes and answers JSON
 * runs without Millrace, with Millrace mounted and idle, and with Millrace taking events in and
 * sending them on beside the app's own requests. Only the app's own requests are measured.
 *
 * An app pays Express for each middleware that it mounts, whatever that does: so the app without
 * Millrace has one that does nothing, and one without any shows what that costs.
 */
const { values } = parseArgs({
  options: {
    store: { type: "string", default: "sqlite" },
    "events-per-second": { type: "string", default: "5000" },
    connections: { type: "string", default: "16" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const [storeName] = choice("store", values.store, ["sqlite", "memory"] as const)
const store: StoreName = storeName === "memory" ? "memory:" : "sqlite:"
const eventsPerSecond = number("events-per-second", values["events-per-second"])
const connections = number("connections", values.connections)
const rounds = number("rounds", values.rounds ?? (values.quick ? "5" : "15"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "1" : "2"))
const warmUp = values.quick ? 2 : 5

/** Events in a request, as SDKs on servers send them. */
const perRequest = 100

const names = ["without", "once more", "no middleware", "mounted", "busy", "busy, collecting"] as const
type Name = (typeof names)[number]

const descriptions: Readonly<Record<Name, string>> = {
  without: "an Express app with work of its own and a middleware that does nothing, Millrace not loaded",
  "once more": "the same in another process: how far two equal ones differ on this machine",
  "no middleware": "the same without the middleware",
  mounted: `Millrace mounted on a ${storeName} store, no events`,
  busy: `the same, with ${eventsPerSecond} events/s in requests of ${perRequest}, sent on to a webhook`,
  "busy, collecting": "the same, with collectYoungMemory",
}

const isBusy = (name: Name): boolean => name === "busy" || name === "busy, collecting"

interface Host extends Running<HostAbilities> {
  readonly port: number
}

const guestOf = (name: Name, url: string): HostOptions["guest"] => {
  if (name === "no middleware") return null
  if (name === "without" || name === "once more") return "a middleware"
  return { store, url, collectYoungMemory: name === "busy, collecting" }
}

const startHost = async (name: Name, url: string): Promise<Host> => {
  const guest = guestOf(name, url)
  const running = await start<HostAbilities>("host", contestantCore, { guest } satisfies HostOptions)
  return { ...running, port: await running.ask("port") }
}

const order = orderRequest()
const events = request(perRequest)

/** Connections of the SDKs: few, since events come in few requests. */
const eventConnections = 4

/**
 * Sends events at their rate for so long, at the times of a schedule. It looks at the clock only
 * every millisecond, and so leaves this process's core to the requests that are measured.
 */
const sendEvents = (port: number, forSeconds: number, seed: number): Promise<unknown> =>
  withClients(port, eventConnections, (clients) =>
    follow(clients, events, arrivals(eventsPerSecond / perRequest, forSeconds, seed), {
      now: () => performance.now(),
      later: (run) => setTimeout(run, 1),
    }),
  )

/** Runs something beside the events that this host gets, if it gets any. */
const besideEvents = async <A>(
  name: Name,
  { port }: Host,
  forSeconds: number,
  seed: number,
  run: () => Promise<A>,
): Promise<A> => {
  const [result] = await Promise.all([run(), isBusy(name) ? sendEvents(port, forSeconds, seed) : undefined])
  return result
}

const capacityOf = async ({ port }: Host, forSeconds: number): Promise<number> => {
  const done = await load(port, order, { connections, seconds: forSeconds })
  return done.requests / done.seconds
}

interface Turn {
  readonly requestsPerSecond: number
  /** ms, with half of the requests a second that the app can answer without Millrace. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of the whole process at that rate, for each of the app's requests. */
  readonly cpuPerRequest: number
}

pinDriver()
progress("starting")
const sink = await start<SinkAbilities>("sink", driverCore)
const url = `http://127.0.0.1:${await sink.ask("port")}/`
const hosts = new Map<Name, Host>()
for (const name of names) hosts.set(name, await startHost(name, url))

for (const [name, host] of hosts) {
  progress(`warming up: ${name}`)
  await besideEvents(name, host, warmUp, 1, () => capacityOf(host, warmUp))
}
const rate = (await capacityOf(hosts.get("without")!, warmUp)) / 2

const results = await turns(names, rounds, async (name, round): Promise<Turn> => {
  progress(`round ${round + 1} of ${rounds}: ${name}`)
  const host = hosts.get(name)!
  const seed = round + 1
  const requestsPerSecond = await besideEvents(name, host, seconds, seed, () => capacityOf(host, seconds))
  const before = await host.ask("usage")
  const schedule = arrivals(rate, seconds, seed)
  const latencies = await besideEvents(name, host, seconds, seed, () =>
    openLoad(host.port, order, schedule, connections),
  )
  const after = await host.ask("usage")
  return {
    requestsPerSecond,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpuPerRequest: (after.cpu - before.cpu) / schedule.length,
  }
})
for (const host of hosts.values()) await host.stop()
await sink.stop()
progressEnd()

const figures = ["requestsPerSecond", "p50", "p99", "cpuPerRequest"] as const satisfies ReadonlyArray<
  keyof Turn
>
type Figure = (typeof figures)[number]

const of = (name: Name, figure: Figure): ReadonlyArray<number> => results[name].map((turn) => turn[figure])
const toWithout = (name: Name, figure: Figure): ReadonlyArray<number> =>
  ratios(of(name, figure), of("without", figure))

const machine = environment()
publish(
  values.json,
  {
    benchmark: "guest",
    environment: machine,
    settings: { store: storeName, eventsPerSecond, perRequest, connections, rounds, seconds, rate },
    contestants: descriptions,
    results: names.map((name) => ({
      contestant: name,
      turns: results[name],
      ratios: Object.fromEntries(figures.map((figure) => [figure, summary(toWithout(name, figure))])),
    })),
  },
  [
    `An app beside Millrace, ${connections} connections, medians of ${rounds} rounds of ${seconds} s, [least-greatest]; latency and CPU at ${Math.round(rate)} requests/s. ${describe(machine)}`,
    ...names.map((name) => `  ${name}: ${descriptions[name]}`),
    "",
    ...table(
      ["", "requests/s", "x without", "p50 ms", "p99 ms", "p99 x without", "CPU/request", "x without"],
      names.map((name) => [
        name,
        String(Math.round(median(of(name, "requestsPerSecond")))),
        spread(toWithout(name, "requestsPerSecond")),
        median(of(name, "p50")).toFixed(2),
        median(of(name, "p99")).toFixed(2),
        spread(toWithout(name, "p99")),
        `${Math.round(median(of(name, "cpuPerRequest")))} us`,
        spread(toWithout(name, "cpuPerRequest")),
      ]),
    ),
  ],
)
