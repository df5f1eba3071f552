import { parseArgs } from "node:util"
import type { Otlp } from "@millrace/node"
import { load } from "./load.ts"
import { number, numbers } from "./options.ts"
import { driverCore, pinDriver, start } from "./processes.ts"
import type { SinkAbilities } from "./programs/sink.ts"
import { machine, median, print, progress, progressEnd, ratios, spread, table } from "./report.ts"
import { request } from "./requests.ts"
import { withContestants } from "./running.ts"
import { turns } from "./turns.ts"

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

const parts = { off: null, "off once more": null, "1 %": 0.01, all: 1 } as const

type Name = keyof typeof parts
const names = Object.keys(parts) as ReadonlyArray<Name>

const setupOf = (name: Name, url: string): { readonly otlp?: Otlp.OtlpOptions } => {
  const sample = parts[name]
  return sample === null ? {} : { otlp: { url, sample } }
}

const compare = (events: number, url: string) =>
  withContestants(
    new Map(names.map((name) => [name, { contestant: "memory" as const, ...setupOf(name, url) }])),
    async (running) => {
      const content = request(events)
      const measure = async (name: Name, duration: number): Promise<number> => {
        const { ask, port } = running.get(name)!
        const before = await ask("usage")
        const done = await load(port, content, { connections, seconds: duration })
        const after = await ask("usage")
        return (after.cpu - before.cpu) / done.requests
      }
      for (const name of names) {
        progress(`${events} events a request: warming up ${name}`)
        await measure(name, 2)
      }
      return turns(names, rounds, (name, round) => {
        progress(`${events} events a request: round ${round + 1} of ${rounds}, ${name}`)
        return measure(name, seconds)
      })
    },
  )

pinDriver()
const collector = await start<SinkAbilities>("sink", driverCore)
const url = `http://127.0.0.1:${await collector.ask("port")}`
print(`CPU time of a request, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${machine()}`)
for (const events of numbers("events", values.events)) {
  const costs = await compare(events, url)
  progressEnd()
  print("")
  print(`${events} event${events === 1 ? "" : "s"} a request`)
  const rows = names.map((name) => [
    name,
    `${median(costs[name]).toFixed(1)} us`,
    spread(ratios(costs[name], costs.off), 3),
  ])
  for (const line of table(["", "CPU/request", "x off"], rows)) print(line)
  if (!(median(ratios(costs["1 %"], costs.off)) < most)) process.exitCode = 1
}
await collector.stop()
