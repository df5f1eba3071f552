import { pipeline } from "./pipeline.ts"
import { machine, print, table } from "./report.ts"
import { bodyOf, event } from "./requests.ts"

/**
 * Measures what it costs to look for one event among a million that all arrived lately, in a log in
 * memory: by its id, by its user, by a text, by a name that few have and by one that nobody has.
 * Each look goes through the whole log, but for that by id.
 */
const total = 1_000_000
const perRequest = 100

const { millrace, post } = await pipeline()

const needle = {
  ...{ eventName: "needle", time: Date.now(), user: { userID: "who-is-looked-for" } },
  metadata: { note: "in a haystack" },
}
await post(bodyOf([needle]))
for (let sent = 0; sent < total; sent += perRequest) {
  await post(bodyOf(Array.from({ length: perRequest }, (_, n) => event(sent + n))))
}

const rowOf = async (search: Parameters<typeof millrace.findEvents>[0]) => {
  let looked = 0
  let place: string | null = null
  for await (const told of await millrace.findEvents(search)) {
    if ("row" in told) place = told.row[0]
    if ("done" in told) looked = told.done.looked
  }
  return { looked, place }
}

const { place } = await rowOf({ name: "needle" })
const { timeUUID } = await millrace.event({ place: place! })

const looks = {
  "by id": { id: timeUUID },
  "by user": { user: "who-is-looked-for" },
  "by text": { text: "in a haystack" },
  "by name": { name: "needle" },
  "by user, nobody's": { user: "nobody at all" },
  "by a glob, of none": { name: "nothing_*" },
}

print(`Finding one of ${total} events, ${perRequest} a request, in a log in memory. ${machine()}`)
const rows: Array<ReadonlyArray<string>> = []
for (const [name, search] of Object.entries(looks)) {
  const before = process.cpuUsage()
  const began = performance.now()
  const { looked, place: found } = await rowOf(search)
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - began) / 1000
  const cpu = (user + system) / 1e6
  rows.push([
    name,
    String(looked),
    found === null ? "no" : "yes",
    seconds.toFixed(2),
    cpu.toFixed(2),
    ((cpu * 1e6) / looked).toFixed(2),
  ])
}
for (const line of table(["", "looked at", "found", "s", "s of CPU", "us an event"], rows)) print(line)
await millrace.close()
