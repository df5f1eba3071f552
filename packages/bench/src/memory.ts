import { parseArgs } from "node:util"
import { deadDestination, fill, idleDestinations, requireRoom } from "./backlog.ts"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { number } from "./options.ts"
import { pinDriver } from "./processes.ts"
import type { ContestantOptions } from "./programs/contestant.ts"
import { median, progress, progressEnd, publish, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { withContestants } from "./running.ts"
import { turns } from "./turns.ts"

/**
 * Measures memory and flatness: one Millrace on SQLite with nothing pending, one with many events
 * pending for a dead destination, and one with many destinations that get nothing. All are under
 * load throughout. Shows the most memory each has had resident, and its throughput as a ratio to
 * the first one's.
 */
const { values } = parseArgs({
  options: {
    pending: { type: "string" },
    idle: { type: "string", default: "100" },
    events: { type: "string", default: "100" },
    connections: { type: "string", default: "32" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const pending = number("pending", values.pending ?? (values.quick ? "500000" : "10000000"))
const idle = number("idle", values.idle)
const events = number("events", values.events)
const connections = number("connections", values.connections)
const rounds = number("rounds", values.rounds ?? (values.quick ? "5" : "9"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "0.5" : "1"))

/** In seconds: V8 goes on to optimise for about a million events. */
const warmUp = values.quick ? 2 : 6

const empty = "nothing pending"
const full = `${pending} pending`
/** Shows what reading the log costs at all, which a log without destinations is spared. */
const read = "1 idle destination"
const watched = `${idle} idle destinations`
const names = [empty, full, read, watched]

const setups: ReadonlyMap<string, ContestantOptions> = new Map([
  [empty, { contestant: "sqlite" }],
  [full, { contestant: "sqlite", destinations: [deadDestination] }],
  [read, { contestant: "sqlite", destinations: idleDestinations(1) }],
  [watched, { contestant: "sqlite", destinations: idleDestinations(idle) }],
])

pinDriver()
requireRoom(pending * 2)
const content = request(events)
const { results, peaks } = await withContestants(setups, async (running) => {
  await fill(full, running.get(full)!, pending)
  for (const [name, { port }] of running) {
    progress(`warming up: ${name}`)
    await load(port, content, { connections, seconds: warmUp })
  }
  const results = await turns(names, rounds, async (name, round) => {
    progress(`round ${round + 1} of ${rounds}: ${name}`)
    const { ask, port } = running.get(name)!
    const before = await ask("usage")
    const done = await load(port, content, { connections, seconds })
    const after = await ask("usage")
    return {
      eventsPerSecond: (done.requests * events) / done.seconds,
      cpuPerEvent: (after.cpu - before.cpu) / (done.requests * events),
    }
  })
  const peaks: Record<string, number> = {}
  for (const [name, { ask }] of running) peaks[name] = (await ask("usage")).peak
  return { results, peaks }
})
progressEnd()

const rows = names.map((name) => {
  const of = (one: string, figure: "eventsPerSecond" | "cpuPerEvent") =>
    results[one]!.map((turn) => turn[figure])
  return {
    name,
    peak: peaks[name]!,
    eventsPerSecond: of(name, "eventsPerSecond"),
    cpuPerEvent: of(name, "cpuPerEvent"),
    rateRatios: ratios(of(name, "eventsPerSecond"), of(empty, "eventsPerSecond")),
    cpuRatios: ratios(of(name, "cpuPerEvent"), of(empty, "cpuPerEvent")),
  }
})
const machine = environment()
publish(
  values.json,
  {
    benchmark: "memory",
    environment: machine,
    settings: { pending, idle, events, connections, rounds, seconds },
    results: rows.map((row) => ({
      ...row,
      rateRatio: summary(row.rateRatios),
      cpuRatio: summary(row.cpuRatios),
    })),
  },
  [
    `Millrace on SQLite, ${events} events a request, ${connections} connections, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${describe(machine)}`,
    "",
    ...table(
      ["", "peak RSS", "events/s", "rate x first", "CPU/event", "CPU x first"],
      rows.map((row) => [
        row.name,
        `${Math.round(row.peak / 1e6)} MB`,
        String(Math.round(median(row.eventsPerSecond))),
        spread(row.rateRatios),
        `${median(row.cpuPerEvent).toFixed(2)} us`,
        spread(row.cpuRatios),
      ]),
    ),
  ],
)
