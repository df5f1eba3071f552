import { parseArgs } from "node:util"
import { number, numbers } from "./options.ts"
import { driverCore, pinDriver, start } from "./processes.ts"
import type { ContestantOptions } from "./programs/contestant.ts"
import type { SinkAbilities } from "./programs/sink.ts"
import { machine, median, print, ratios } from "./report.ts"
import { compareCosts } from "./requestCosts.ts"
import { request } from "./requests.ts"

/**
 * Measures what spans cost intake: the same server, on the memory store, without a tracer, with one
 * trace in a hundred and with all of them, in turns. They go to a collector that does nothing with
 * them. CPU time counts, as a ratio to that of the server without a tracer. Ends with 1 when one in
 * a hundred costs as much as {@link most}.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1,10,100" },
    rounds: { type: "string", default: "15" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "32" },
  },
})

const rounds = number("rounds", values.rounds)
const seconds = number("seconds", values.seconds)
const connections = number("connections", values.connections)

const most = 1.05

const setupOf = (sample: number | null, url: string): ContestantOptions => ({
  contestant: "memory",
  ...(sample === null ? {} : { otlp: { url, sample } }),
})

pinDriver()
const collector = await start<SinkAbilities>("sink", driverCore)
const url = `http://127.0.0.1:${await collector.ask("port")}`
const setups = {
  off: setupOf(null, url),
  "off once more": setupOf(null, url),
  "1 %": setupOf(0.01, url),
  all: setupOf(1, url),
}
print(`CPU time of a request, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${machine()}`)
for (const events of numbers("events", values.events)) {
  const content = request(events)
  const costs = await compareCosts(setups, "off", events, content, { rounds, seconds, connections })
  if (!(median(ratios(costs["1 %"], costs.off)) < most)) process.exitCode = 1
}
await collector.stop()
