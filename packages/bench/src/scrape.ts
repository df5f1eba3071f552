import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Store } from "@millrace/core"
import { PrometheusText } from "@millrace/core/host"
import type { Millrace } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import { number } from "./options.ts"
import { pipeline } from "./pipeline.ts"
import { cpuTime } from "./processes.ts"
import { machine, median, print, progress, progressEnd, ratios, spread, table } from "./report.ts"
import { body } from "./requests.ts"
import { turns } from "./turns.ts"

/**
 * Measures what a scrape of the metrics costs the process that answers it: CPU time, all threads
 * included, with many destinations of which half are late, each by another place in the log. By
 * itself, and as what it adds to requests that come meanwhile. Beside it stand the same with one
 * destination, and its text alone. Ends with 1 when it costs as much as {@link most}.
 */
const { values } = parseArgs({
  options: {
    destinations: { type: "string", default: "100" },
    rounds: { type: "string", default: "25" },
    times: { type: "string", default: "10" },
  },
})

const count = number("destinations", values.destinations)
const rounds = number("rounds", values.rounds)
const times = number("times", values.times)

/** ms */
const most = 5

/** Requests that come while a scrape is answered. */
const beside = 200

const bytes = body(10)

/** A late one is disabled after a batch of its own, so that no two wait for the same event. */
const open = async (store: Millrace.MakeOptions["store"], destinations: number) => {
  const ids = Array.from({ length: destinations }, (_, n) => `destination-${n}`)
  const { millrace, post } = await pipeline({
    store,
    destinations: ids.map((id) => ({ id, url: `http://127.0.0.1:9/${id}` })),
  })
  for (const id of ids) {
    await millrace.disable(id)
    await post(bytes)
  }
  const late = Math.floor(destinations / 2)
  for (const id of ids.slice(late)) await millrace.skip(id)
  return { millrace, post }
}

type Opened = Awaited<ReturnType<typeof open>>

/** ms of CPU, each of so many times. */
const cost = async (repeats: number, work: () => Promise<unknown>): Promise<number> => {
  const before = cpuTime()
  for (let done = 0; done < repeats; done++) await work()
  return (cpuTime() - before) / repeats / 1_000
}

const under = async ({ millrace, post }: Opened, isScraped: boolean): Promise<unknown> => {
  const requests = Array.from({ length: beside }, () => post(bytes))
  return Promise.all(isScraped ? [...requests, millrace.metrics()] : requests)
}

const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
const stores = {
  memory: () => Store.layerMemory({ maxBytes: 64 * 1024 ** 2 }),
  SQLite: (name: string) => Sqlite.layer({ path: join(directory, name), maxBytes: 64 * 1024 ** 2 }),
}

print(
  `A scrape, ms of CPU, medians of ${rounds} rounds of ${times}, [least-greatest]. ${count} destinations, half of them late. ${machine()}`,
)
const rows: Array<ReadonlyArray<string>> = []
for (const [store, layer] of Object.entries(stores)) {
  const many = await open(layer("many.db"), count)
  const one = await open(layer("one.db"), 1)
  const families = await many.millrace.host.families()
  const ways = {
    scrape: () => cost(times, () => many.millrace.metrics()),
    "one destination": () => cost(times, () => one.millrace.metrics()),
    "its text alone": () => cost(times, async () => PrometheusText.format(families)),
    "requests alone": () => cost(times, () => under(many, false)),
    "requests and a scrape": () => cost(times, () => under(many, true)),
  }
  const names = Object.keys(ways) as ReadonlyArray<keyof typeof ways>
  for (const name of names) await ways[name]()
  const costs = await turns(names, rounds, (name, round) => {
    progress(`${store}: round ${round + 1} of ${rounds}, ${name}`)
    return ways[name]()
  })
  progressEnd()
  for (const name of names) {
    rows.push([`${store}: ${name}`, spread(costs[name]), spread(ratios(costs[name], costs.scrape))])
  }
  const added = costs["requests and a scrape"].map((both, round) => both - costs["requests alone"][round]!)
  rows.push([`${store}: what it adds to requests`, spread(added), spread(ratios(added, costs.scrape))])
  if (!(median(costs.scrape) < most && median(added) < most)) process.exitCode = 1
  await many.millrace.close()
  await one.millrace.close()
}
rmSync(directory, { recursive: true, force: true })
for (const line of table(["", "ms", "x scrape"], rows)) print(line)
