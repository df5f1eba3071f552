import { parseArgs } from "node:util"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { number } from "./options.ts"
import { contestantCore, driverCore, pinDriver, start } from "./processes.ts"
import type { ViewersAbilities } from "./programs/viewers.ts"
import type { WatchedAbilities, WatchedOptions } from "./programs/watched.ts"
import { median, progress, progressEnd, publish, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { turns } from "./turns.ts"

/**
 * Measures what it costs intake that people look: one Millrace takes events in, by turns with
 * nobody looking and with hundreds of live views open in another process.
 */
const { values } = parseArgs({
  options: {
    views: { type: "string", default: "500" },
    events: { type: "string", default: "100" },
    connections: { type: "string", default: "16" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const views = number("views", values.views)
const perRequest = number("events", values.events)
const connections = number("connections", values.connections)
const rounds = number("rounds", values.rounds ?? (values.quick ? "5" : "11"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "1" : "2"))
const warmUp = values.quick ? 2 : 5

/** What the console promises: intake keeps so much of its throughput. */
const promised = 0.9

const token = "a-token-of-the-benchmark"
const names = ["nobody", "watched"] as const

interface Turn {
  readonly eventsPerSecond: number
  /** Microseconds of the whole process. */
  readonly cpuPerEvent: number
  /** Frames that each view was told in a second. */
  readonly framesPerSecond: number
}

pinDriver()
progress("starting")
const watched = await start<WatchedAbilities>("watched", contestantCore, {
  adminToken: token,
} satisfies WatchedOptions)
const viewers = await start<ViewersAbilities>("viewers", driverCore)
const port = await watched.ask("port")
const content = request(perRequest)

const measure = async (forSeconds: number): Promise<Turn> => {
  const before = { ...(await watched.ask("usage")), ...(await viewers.ask("told")) }
  const done = await load(port, content, { connections, seconds: forSeconds })
  const after = { ...(await watched.ask("usage")), ...(await viewers.ask("told")) }
  const events = done.requests * perRequest
  return {
    eventsPerSecond: events / done.seconds,
    cpuPerEvent: (after.cpu - before.cpu) / events,
    framesPerSecond: (after.frames - before.frames) / views / done.seconds,
  }
}

progress("warming up")
await measure(warmUp)
const results = await turns(names, rounds, async (name, round) => {
  progress(`round ${round + 1} of ${rounds}: ${name}`)
  if (name === "watched") await viewers.ask("open", { port, views, token })
  const turn = await measure(seconds)
  await viewers.ask("close")
  return turn
})
await viewers.stop()
await watched.stop()
progressEnd()

const of = (name: (typeof names)[number], figure: keyof Turn): ReadonlyArray<number> =>
  results[name].map((turn) => turn[figure])
const figures = ["eventsPerSecond", "cpuPerEvent", "framesPerSecond"] as const satisfies ReadonlyArray<
  keyof Turn
>
const kept = ratios(of("watched", "eventsPerSecond"), of("nobody", "eventsPerSecond"))
const cpu = ratios(of("watched", "cpuPerEvent"), of("nobody", "cpuPerEvent"))
const isKept = median(kept) >= promised

const machine = environment()
publish(
  values.json,
  {
    benchmark: "console",
    environment: machine,
    settings: { views, perRequest, connections, rounds, seconds },
    results: names.map((name) => ({
      name,
      turns: results[name],
      ...Object.fromEntries(figures.map((figure) => [figure, summary(of(name, figure))])),
    })),
    rateRatio: summary(kept),
    cpuRatio: summary(cpu),
  },
  [
    `Intake of ${perRequest} events a request, ${connections} connections, one destination that wants none of them, memory store, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${describe(machine)}`,
    "",
    ...table(
      ["live views", "events/s", "x nobody", "CPU/event", "x nobody", "frames/s a view"],
      names.map((name) => [
        name === "nobody" ? "0" : String(views),
        String(Math.round(median(of(name, "eventsPerSecond")))),
        name === "nobody" ? "-" : spread(kept),
        `${median(of(name, "cpuPerEvent")).toFixed(2)} us`,
        name === "nobody" ? "-" : spread(cpu),
        name === "nobody" ? "-" : median(of(name, "framesPerSecond")).toFixed(1),
      ]),
    ),
    "",
    `${isKept ? "Kept" : "NOT KEPT"}: at least ${promised} of the throughput is promised.`,
  ],
)
if (!isKept) process.exitCode = 1
