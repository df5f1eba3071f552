import { parseArgs } from "node:util"
import { besideLimit, type ContestantName, describeContestants } from "./contestants/all.ts"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { arrivals, openLoad } from "./openLoop.ts"
import { number, numbers } from "./options.ts"
import { pinDriver } from "./processes.ts"
import { median, progress, progressEnd, publish, quantile, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { type RunningContestant, withContestants } from "./running.ts"
import { turns } from "./turns.ts"

/**
 * Measures latency at half load. Requests arrive at random, at half the rate that a contestant can
 * take when everybody waits for answers, and again at half the rate that the limit can take. Each
 * latency counts from the time the request was due, not from when there was a connection for it.
 */
const { values } = parseArgs({
  options: {
    contestants: { type: "string", default: "memory,sqlite,fastify-by-hand,express-by-hand" },
    events: { type: "string" },
    connections: { type: "string", default: "32" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const rounds = number("rounds", values.rounds ?? (values.quick ? "3" : "5"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "1" : "3"))
const connections = number("connections", values.connections)
const sizes = numbers("events", values.events ?? (values.quick ? "1" : "1,100"))
const names = besideLimit(values.contestants)

type Load = "half of its own capacity" | "half of the limit's capacity"

interface Turn {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

interface Row {
  readonly events: number
  readonly load: Load
  readonly contestant: ContestantName
  readonly requestsPerSecond: number
  readonly turns: ReadonlyArray<Turn>
  /** The ratios of the 99th percentiles to the limit's. */
  readonly p99Ratios: ReadonlyArray<number>
}

const quantiles = (latencies: Float64Array): Turn => ({
  p50: quantile(latencies, 0.5),
  p99: quantile(latencies, 0.99),
  p999: quantile(latencies, 0.999),
})

/** Requests a second, with everybody waiting for answers. */
const capacities = async (
  running: ReadonlyMap<ContestantName, RunningContestant>,
  content: Buffer,
): Promise<ReadonlyMap<ContestantName, number>> => {
  for (const [name, { port }] of running) {
    progress(`warming up ${name}`)
    await load(port, content, { connections, seconds: 2 })
  }
  const rates = await turns(names, 3, async (name) => {
    progress(`capacity of ${name}`)
    const done = await load(running.get(name)!.port, content, { connections, seconds: 1 })
    return done.requests / done.seconds
  })
  return new Map(names.map((name) => [name, median(rates[name])]))
}

const compare = (events: number): Promise<ReadonlyArray<Row>> =>
  withContestants(new Map(names.map((contestant) => [contestant, { contestant }])), async (running) => {
    const content = request(events)
    const capacity = await capacities(running, content)
    const rows: Array<Row> = []
    const at = async (what: Load, rateOf: (name: ContestantName) => number) => {
      // Nobody can be driven at more than it can take.
      const able = names.filter((name) => rateOf(name) < 0.95 * capacity.get(name)!)
      const results = await turns(able, rounds, async (name, round) => {
        progress(`${events} events a request, ${what}: round ${round + 1} of ${rounds}, ${name}`)
        const schedule = arrivals(rateOf(name), seconds, round + 1)
        return quantiles(await openLoad(running.get(name)!.port, content, schedule, connections))
      })
      for (const contestant of able) {
        rows.push({
          events,
          load: what,
          contestant,
          requestsPerSecond: rateOf(contestant),
          turns: results[contestant],
          p99Ratios: ratios(
            results[contestant].map(({ p99 }) => p99),
            results["limit"].map(({ p99 }) => p99),
          ),
        })
      }
    }
    await at("half of its own capacity", (name) => capacity.get(name)! / 2)
    await at("half of the limit's capacity", () => capacity.get("limit")! / 2)
    return rows
  })

pinDriver()
const rows: Array<Row> = []
for (const events of sizes) rows.push(...(await compare(events)))
progressEnd()

const ms = (row: Row, figure: keyof Turn): string => median(row.turns.map((turn) => turn[figure])).toFixed(2)

const lines = (events: number, what: Load): ReadonlyArray<string> => [
  "",
  `${events} event${events === 1 ? "" : "s"} a request, at ${what}`,
  ...table(
    ["", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "p99 x limit"],
    rows
      .filter((row) => row.events === events && row.load === what)
      .map((row) => [
        row.contestant,
        String(Math.round(row.requestsPerSecond)),
        ms(row, "p50"),
        ms(row, "p99"),
        ms(row, "p999"),
        spread(row.p99Ratios),
      ]),
  ),
]

const machine = environment()
publish(
  values.json,
  {
    benchmark: "latency",
    environment: machine,
    settings: { connections, rounds, seconds },
    results: rows.map((row) => ({ ...row, p99Ratio: summary(row.p99Ratios) })),
  },
  [
    `Latency from the time a request was due, ${connections} connections, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${describe(machine)}`,
    ...describeContestants(names),
    ...sizes.flatMap((events) => [
      ...lines(events, "half of its own capacity"),
      ...lines(events, "half of the limit's capacity"),
    ]),
  ],
)
