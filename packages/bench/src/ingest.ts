import { parseArgs } from "node:util"
import {
  besideLimit,
  type ContestantName,
  contestantNames,
  contestants,
  describeContestants,
} from "./contestants/all.ts"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { choice, number, numbers } from "./options.ts"
import { pinDriver } from "./processes.ts"
import { median, progress, progressEnd, publish, quantile, ratios, spread, summary, table } from "./report.ts"
import { type Encoding, request } from "./requests.ts"
import { type RunningContestant, withContestants } from "./running.ts"
import { turns } from "./turns.ts"

/**
 * Measures intake: contestants side by side, each in a process of its own, all on one core and
 * taking turns, with the load on another. Compare the ratios: absolute figures are those of the
 * machine.
 */
const { values } = parseArgs({
  options: {
    contestants: { type: "string" },
    events: { type: "string" },
    encodings: { type: "string" },
    connections: { type: "string", default: "32" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const rounds = number("rounds", values.rounds ?? (values.quick ? "3" : "5"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "0.4" : "1"))
/** Until everything is compiled: a server that takes 2,000 requests a second needs this long. */
const warmUp = values.quick ? 1.5 : 2
const connections = number("connections", values.connections)
const sizes = numbers("events", values.events ?? (values.quick ? "1,100" : "1,10,100,1000"))
const encodings = choice<Encoding>("encodings", values.encodings ?? (values.quick ? "plain" : "plain,gzip"), [
  "plain",
  "gzip",
])
const quick: ReadonlyArray<ContestantName> = [
  "limit",
  "memory",
  "sqlite",
  "fastify-by-hand",
  "express-by-hand",
]
const names = besideLimit(values.contestants ?? (values.quick ? quick : contestantNames).join(","))

interface Turn {
  readonly requestsPerSecond: number
  /** Microseconds. */
  readonly cpuPerRequest: number
  /** ms. */
  readonly p99: number
}

const measure = async (
  { ask, port }: RunningContestant,
  content: Buffer,
  duration: number,
): Promise<Turn> => {
  const before = await ask("usage")
  const done = await load(port, content, { connections, seconds: duration })
  const after = await ask("usage")
  return {
    requestsPerSecond: done.requests / done.seconds,
    cpuPerRequest: (after.cpu - before.cpu) / done.requests,
    p99: quantile(done.latencies, 0.99),
  }
}

interface Heat {
  readonly events: number
  readonly encoding: Encoding
  readonly turns: Readonly<Record<ContestantName, ReadonlyArray<Turn>>>
}

const compare = (events: number, encoding: Encoding): Promise<Heat> =>
  withContestants(new Map(names.map((contestant) => [contestant, { contestant }])), async (running) => {
    const content = request(events, { encoding })
    const heat = `${events} events a request, ${encoding}`
    for (const [name, contestant] of running) {
      progress(`${heat}: warming up ${name}`)
      await measure(contestant, content, warmUp)
    }
    const results = await turns(names, rounds, (name, round) => {
      progress(`${heat}: round ${round + 1} of ${rounds}, ${name}`)
      return measure(running.get(name)!, content, seconds)
    })
    return { events, encoding, turns: results }
  })

const figures = ({ events, encoding, turns }: Heat) =>
  names.map((contestant) => {
    const of = (name: ContestantName, figure: keyof Turn) => turns[name].map((turn) => turn[figure])
    return {
      events,
      encoding,
      contestant,
      eventsPerSecond: of(contestant, "requestsPerSecond").map((rate) => rate * events),
      cpuPerRequest: of(contestant, "cpuPerRequest"),
      p99: of(contestant, "p99"),
      rateRatios: ratios(of(contestant, "requestsPerSecond"), of("limit", "requestsPerSecond")),
      cpuRatios: ratios(of(contestant, "cpuPerRequest"), of("limit", "cpuPerRequest")),
    }
  })

const lines = (heat: Heat): ReadonlyArray<string> => [
  "",
  `${heat.events} event${heat.events === 1 ? "" : "s"} a request, ${heat.encoding}`,
  ...table(
    ["", "events/s", "rate x limit", "CPU/request", "CPU x limit", "p99"],
    figures(heat).map((row) => [
      row.contestant,
      String(Math.round(median(row.eventsPerSecond))),
      spread(row.rateRatios),
      `${median(row.cpuPerRequest).toFixed(0)} us`,
      spread(row.cpuRatios),
      `${median(row.p99).toFixed(1)} ms`,
    ]),
  ),
]

pinDriver()
const heats: Array<Heat> = []
for (const encoding of encodings) {
  for (const events of sizes) heats.push(await compare(events, encoding))
}
progressEnd()

const machine = environment()
publish(
  values.json,
  {
    benchmark: "ingest",
    environment: machine,
    settings: { connections, rounds, seconds },
    contestants: Object.fromEntries(
      names.map((name) => [
        name,
        { description: contestants[name].description, durability: contestants[name].durability },
      ]),
    ),
    results: heats.flatMap(figures).map((row) => ({
      ...row,
      rateRatio: summary(row.rateRatios),
      cpuRatio: summary(row.cpuRatios),
    })),
  },
  [
    `Intake, ${connections} connections, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${describe(machine)}`,
    ...describeContestants(names),
    ...heats.flatMap(lines),
  ],
)
