import { parseArgs } from "node:util"
import type { HttpIngest } from "@millrace/core"
import { number, numbers } from "./options.ts"
import { pinDriver } from "./processes.ts"
import type { ContestantOptions } from "./programs/contestant.ts"
import { machine, print } from "./report.ts"
import { compareCosts } from "./requestCosts.ts"
import { request } from "./requests.ts"

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
const setupOf = (client: HttpIngest.ClientConfig): ContestantOptions => ({ contestant: "memory", client })
const setups = {
  nothing: setupOf({}),
  "once more": setupOf({}),
  keep: setupOf({ ip: "keep", userAgent: true, trust }),
  truncate: setupOf({ ip: "truncate", userAgent: true, trust }),
  hash: setupOf({ ip: "hash", userAgent: true, trust }),
}

const headers = [
  "x-forwarded-for: 203.0.113.195, 10.2.3.4, 10.5.6.7",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
]

pinDriver()
print(`CPU time of a request, medians of ${rounds} rounds of ${seconds} s, [least-greatest]. ${machine()}`)
for (const events of numbers("events", values.events)) {
  const content = request(events, { headers })
  await compareCosts(setups, "nothing", events, content, { rounds, seconds, connections })
}
