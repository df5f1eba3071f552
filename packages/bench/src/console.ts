import { parseArgs } from "node:util"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { number } from "./options.ts"
import { contestantCore, cpuTime, driverCore, pinDriver, start } from "./processes.ts"
import type { ViewersAbilities } from "./programs/viewers.ts"
import type { WatchedAbilities, WatchedOptions } from "./programs/watched.ts"
import { median, progress, progressEnd, publish, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { turns } from "./turns.ts"

/**
 * Measures what it costs intake that people look: one Millrace takes events in, by turns with
 * nobody looking and with hundreds of live views open in another process. What says nothing is
 * found out, too: nobody looking is measured twice in each round, which shows how much a figure
 * varies by itself; the views have to get their frames; and those who send and look, on the other
 * core, must not be what intake waits for.
 */
const { values } = parseArgs({
  options: {
    views: { type: "string", default: "500" },
    narrowed: { type: "string", default: "0" },
    events: { type: "string", default: "100" },
    connections: { type: "string", default: "16" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const views = number("views", values.views)
const narrowed = values.narrowed === "0" ? 0 : Math.min(number("narrowed", values.narrowed), views)
const perRequest = number("events", values.events)
const connections = number("connections", values.connections)
const rounds = number("rounds", values.rounds ?? (values.quick ? "5" : "11"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "1" : "2"))
const warmUp = values.quick ? 2 : 5

/** What the console promises: intake keeps so much of its throughput. */
const promised = 0.9

/** Frames that a view has to get a second, of four: fewer, and it is not what a person sees. */
const leastFrames = 3

/** How much nobody looking may differ from itself, for a tenth to be told from it. */
const mostNoise = 0.04

/** The share of the other core from which on those who send hold up what is measured. */
const mostDriven = 0.9

const token = "a-token-of-the-benchmark"
const names = ["nobody", "watched", "nobody again"] as const

interface Turn {
  readonly eventsPerSecond: number
  /** Microseconds of the whole process. */
  readonly cpuPerEvent: number
  /** Frames that each view was told in a second. */
  readonly framesPerSecond: number
  /** The share of a core that sending and looking took. */
  readonly driven: number
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
  const note = async () => ({
    cpu: (await watched.ask("usage")).cpu,
    frames: (await viewers.ask("told")).frames,
    drivers: cpuTime() + (await viewers.ask("usage")).cpu,
  })
  const before = await note()
  const done = await load(port, content, { connections, seconds: forSeconds })
  const after = await note()
  const events = done.requests * perRequest
  return {
    eventsPerSecond: events / done.seconds,
    cpuPerEvent: (after.cpu - before.cpu) / events,
    framesPerSecond: (after.frames - before.frames) / views / done.seconds,
    driven: (after.drivers - before.drivers) / 1e6 / done.seconds,
  }
}

progress("warming up")
await measure(warmUp)
const results = await turns(names, rounds, async (name, round) => {
  progress(`round ${round + 1} of ${rounds}: ${name}`)
  if (name === "watched") await viewers.ask("open", { port, views, narrowed, token })
  const turn = await measure(seconds)
  await viewers.ask("close")
  return turn
})
await viewers.stop()
await watched.stop()
progressEnd()

const of = (name: (typeof names)[number], figure: keyof Turn): ReadonlyArray<number> =>
  results[name].map((turn) => turn[figure])
const figures = [
  "eventsPerSecond",
  "cpuPerEvent",
  "framesPerSecond",
  "driven",
] as const satisfies ReadonlyArray<keyof Turn>
const against = (name: (typeof names)[number], figure: "eventsPerSecond" | "cpuPerEvent") =>
  ratios(of(name, figure), of("nobody", figure))
const kept = against("watched", "eventsPerSecond")
const noise = against("nobody again", "eventsPerSecond")
const frames = median(of("watched", "framesPerSecond"))
const driven = Math.max(...names.map((name) => median(of(name, "driven"))))

/** Why the figures say nothing. */
const doubts = [
  ...(Math.abs(median(noise) - 1) > mostNoise
    ? [`nobody looking differs from itself by ${(Math.abs(median(noise) - 1) * 100).toFixed(1)} %`]
    : []),
  ...(frames < leastFrames ? [`a view got ${frames.toFixed(1)} frames a second, of 4`] : []),
  ...(driven > mostDriven
    ? [`those who send and look take ${Math.round(driven * 100)} % of their core`]
    : []),
]
const isKept = median(kept) >= promised
const verdict = doubts.length > 0 ? `NOT MEASURABLE HERE: ${doubts.join("; ")}` : isKept ? "Kept" : "NOT KEPT"

const machine = environment()
publish(
  values.json,
  {
    benchmark: "console",
    environment: machine,
    settings: { views, narrowed, perRequest, connections, rounds, seconds },
    verdict,
    results: names.map((name) => ({
      name,
      turns: results[name],
      ...Object.fromEntries(figures.map((figure) => [figure, summary(of(name, figure))])),
    })),
    rateRatio: summary(kept),
    rateNoise: summary(noise),
    cpuRatio: summary(against("watched", "cpuPerEvent")),
  },
  [
    `Intake of ${perRequest} events a request, ${connections} connections, one destination that wants none of them, memory store, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${describe(machine)}`,
    "",
    ...table(
      ["live views", "events/s", "x nobody", "CPU/event", "x nobody", "frames/s a view", "other core"],
      names.map((name) => [
        name === "watched" ? `${views}${narrowed === 0 ? "" : `, ${narrowed} of them narrowed`}` : name,
        String(Math.round(median(of(name, "eventsPerSecond")))),
        name === "nobody" ? "-" : spread(against(name, "eventsPerSecond")),
        `${median(of(name, "cpuPerEvent")).toFixed(2)} us`,
        name === "nobody" ? "-" : spread(against(name, "cpuPerEvent")),
        name === "watched" ? frames.toFixed(1) : "-",
        `${Math.round(median(of(name, "driven")) * 100)} %`,
      ]),
    ),
    "",
    `${verdict}. At least ${promised} of the throughput is promised.`,
  ],
)
if (!isKept || doubts.length > 0) process.exitCode = 1
