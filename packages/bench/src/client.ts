import { parseArgs } from "node:util"
import type { HttpIngest } from "@millrace/core"
import { load } from "./load.ts"
import { number, numbers } from "./options.ts"
import { pinDriver } from "./processes.ts"
import { machine, median, print, progress, progressEnd, ratios, spread, table } from "./report.ts"
import { request } from "./requests.ts"
import { withContestants } from "./running.ts"
import { turns } from "./turns.ts"

/**
 * Measures what it costs intake to keep a client's address and agent: the same server, on the
 * memory store, with and without it, in turns. Requests come as through two proxies, from a
 * browser. CPU time counts, as a ratio to that of the server that keeps nothing.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1,10,100" },
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "32" },
  },
})

const rounds = number("rounds", values.rounds)
const seconds = number("seconds", values.seconds)
const connections = number("connections", values.connections)

const trust = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"]
const setups = {
  nothing: {},
  "once more": {},
  keep: { ip: "keep", userAgent: true, trust },
  truncate: { ip: "truncate", userAgent: true, trust },
  hash: { ip: "hash", userAgent: true, trust },
} satisfies Readonly<Record<string, HttpIngest.ClientConfig>>

type Name = keyof typeof setups
const names = Object.keys(setups) as ReadonlyArray<Name>

const headers = [
  "x-forwarded-for: 203.0.113.195, 10.2.3.4, 10.5.6.7",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
]

const compare = (events: number) =>
  withContestants(
    new Map(names.map((name) => [name, { contestant: "memory" as const, client: setups[name] }])),
    async (running) => {
      const content = request(events, { headers })
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
print(`CPU time of a request, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${machine()}`)
for (const events of numbers("events", values.events)) {
  const costs = await compare(events)
  progressEnd()
  print("")
  print(`${events} event${events === 1 ? "" : "s"} a request`)
  const rows = names.map((name) => [
    name,
    `${median(costs[name]).toFixed(1)} us`,
    spread(ratios(costs[name], costs.nothing), 3),
  ])
  for (const line of table(["", "CPU/request", "x nothing"], rows)) print(line)
}
