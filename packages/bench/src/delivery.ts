import { parseArgs } from "node:util"
import { bareSender, millraceSender, type Sender, type Sent } from "./deliveries.ts"
import { describe, environment } from "./environment.ts"
import { number } from "./options.ts"
import { pinDriver } from "./processes.ts"
import { median, progress, progressEnd, publish, ratios, spread, summary, table } from "./report.ts"
import { turns } from "./turns.ts"

/**
 * Measures delivery: Millrace with one destination, everything stored before it begins, against a
 * loop of `JSON.stringify` and undici that sends the same bytes, one request at a time. Each is in
 * a process of its own, on one core, and they take turns. Their receivers, on the other core, do
 * next to nothing. With `--gzip` another Millrace compresses what it sends, and is compared with
 * the one that does not.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string" },
    batch: { type: "string", default: "500" },
    rounds: { type: "string" },
    gzip: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const batch = number("batch", values.batch)
const events =
  Math.ceil(number("events", values.events ?? (values.quick ? "50000" : "400000")) / batch) * batch
const rounds = number("rounds", values.rounds ?? (values.quick ? "5" : "9"))
/**
 * Turns before the measurement. V8 goes on optimising an event's way for about a million events, on
 * threads that need the contestant's core too.
 */
const warmUps = values.quick ? 1 : 3

type Name = "bare" | "memory" | "sqlite" | "gzip"
const names: ReadonlyArray<Name> = values.gzip ? ["memory", "gzip", "bare"] : ["bare", "memory", "sqlite"]
const descriptions: Readonly<Record<Name, string>> = {
  bare: "JSON.stringify + undici in a loop",
  memory: "Millrace, memory store: read, parse, filter, export, batch, send, save",
  sqlite: "Millrace, SQLite store: the same",
  gzip: "Millrace, memory store, with `compress: gzip`",
}

pinDriver()
progress("starting")
const memory = await millraceSender("memory:", batch)
const senders = {
  memory,
  bare: await bareSender(memory.sample),
  ...(values.gzip
    ? { gzip: await millraceSender("memory:", batch, "gzip") }
    : { sqlite: await millraceSender("sqlite:", batch) }),
} as Readonly<Record<Name, Sender>>
await turns(names, warmUps, (name, round) => {
  progress(`warming up ${name}, ${round + 1} of ${warmUps}`)
  return senders[name].send(events)
})
const results = await turns(names, rounds, (name, round) => {
  progress(`round ${round + 1} of ${rounds}, ${name}`)
  return senders[name].send(events)
})
for (const name of names) await senders[name].stop()
progressEnd()

const rows = names.map((name) => {
  const of = (one: Name, figure: keyof Sent) => results[one].map((sent) => sent[figure])
  return {
    sender: name,
    eventsPerSecond: of(name, "eventsPerSecond"),
    cpuPerEvent: of(name, "cpuPerEvent"),
    rateRatios: ratios(of(name, "eventsPerSecond"), of("bare", "eventsPerSecond")),
    memoryRatios: ratios(of(name, "eventsPerSecond"), of("memory", "eventsPerSecond")),
    cpuRatios: ratios(of(name, "cpuPerEvent"), of("bare", "cpuPerEvent")),
  }
})
const machine = environment()
publish(
  values.json,
  {
    benchmark: "delivery",
    environment: machine,
    settings: { events, batch, rounds, bytesPerBatch: Buffer.byteLength(memory.sample) },
    contestants: descriptions,
    results: rows.map((row) => ({
      ...row,
      rateRatio: summary(row.rateRatios),
      cpuRatio: summary(row.cpuRatios),
    })),
  },
  [
    `Delivery of ${events} events in batches of ${batch} (${Buffer.byteLength(memory.sample)} bytes), medians of ${rounds} rounds, [least-greatest]. ${describe(machine)}`,
    ...names.map((name) => `  ${name}: ${descriptions[name]}`),
    "",
    ...table(
      ["", "events/s", "rate x bare", "rate x memory", "CPU/event", "CPU x bare"],
      rows.map((row) => [
        row.sender,
        String(Math.round(median(row.eventsPerSecond))),
        spread(row.rateRatios),
        spread(row.memoryRatios),
        `${median(row.cpuPerEvent).toFixed(2)} us`,
        spread(row.cpuRatios),
      ]),
    ),
  ],
)
