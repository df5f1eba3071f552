import { parseArgs } from "node:util"
import { deadDestination, fill, idleDestinations, requireRoom } from "./backlog.ts"
import { millraceSender, type Sender } from "./deliveries.ts"
import { describe, environment } from "./environment.ts"
import { load } from "./load.ts"
import { choice, number } from "./options.ts"
import { pinDriver } from "./processes.ts"
import type { ContestantOptions } from "./programs/contestant.ts"
import { median, progress, progressEnd, publish, ratios, spread, summary, table } from "./report.ts"
import { request } from "./requests.ts"
import { withContestants } from "./running.ts"
import { turns } from "./turns.ts"

/**
 * Measures growth: the throughput of Millrace on SQLite when one thing grows and all others stay as
 * they are. Each setting has a process of its own, and they take turns. Each table says what a good
 * one shows.
 */
const kinds = ["backlog", "destinations", "requests", "events", "connections", "batches"] as const

const { values } = parseArgs({
  options: {
    tables: { type: "string", default: kinds.join(",") },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const rounds = number("rounds", values.rounds ?? (values.quick ? "3" : "5"))
const seconds = number("seconds", values.seconds ?? (values.quick ? "0.3" : "1"))

/** One setting of what grows. */
interface Setting {
  readonly name: string
  readonly setup?: Omit<ContestantOptions, "contestant">
  /** Events that wait for a destination before it begins. */
  readonly backlog?: number
  readonly events?: number
  readonly padding?: number
  readonly connections?: number
}

interface Growth {
  readonly title: string
  readonly settings: ReadonlyArray<Setting>
}

const intake: Readonly<Record<Exclude<(typeof kinds)[number], "batches">, Growth>> = {
  backlog: {
    title: "intake against events pending: flat",
    settings: (values.quick ? [0, 100_000] : [0, 100_000, 1_000_000, 5_000_000]).map((backlog) => ({
      name: `${backlog} pending`,
      backlog,
      setup: { destinations: [deadDestination] },
    })),
  },
  destinations: {
    title: "intake against destinations that get nothing: flat",
    settings: [0, 1, 10, 100].map((count) => ({
      name: `${count} destinations`,
      setup: { destinations: idleDestinations(count) },
    })),
  },
  requests: {
    title: "intake against events a request: up, until what a request costs is shared by many",
    settings: [1, 10, 100, 1000].map((events) => ({ name: `${events} events a request`, events })),
  },
  events: {
    title: "intake against the size of an event, 100 a request: down with the bytes, not faster",
    settings: [0, 750, 3750, 15_750].map((padding) => ({ name: `${padding + 250} bytes an event`, padding })),
  },
  connections: {
    title: "intake against connections: up, until the core is busy, and flat from there",
    settings: [1, 8, 32, 128, 512].map((connections) => ({
      name: `${connections} connections`,
      connections,
    })),
  },
}

interface Row {
  readonly setting: string
  readonly eventsPerSecond: ReadonlyArray<number>
}

const measureIntake = async ({ title, settings }: Growth): Promise<ReadonlyArray<Row>> => {
  requireRoom(settings.reduce((sum, { backlog = 0 }) => sum + backlog, 0))
  const contents = new Map(
    settings.map(({ name, events = 100, padding = 0 }) => [
      name,
      { events, content: request(events, { padding }) },
    ]),
  )
  const setups = new Map(
    settings.map(({ name, setup = {} }) => [
      name,
      { contestant: "sqlite", ...setup } satisfies ContestantOptions,
    ]),
  )
  return withContestants(setups, async (running) => {
    const run = async ({ name, connections = 32 }: Setting, duration: number): Promise<number> => {
      const { events, content } = contents.get(name)!
      const done = await load(running.get(name)!.port, content, { connections, seconds: duration })
      return (done.requests * events) / done.seconds
    }
    for (const setting of settings) {
      const { name, backlog = 0 } = setting
      progress(`${title}: warming up ${name}`)
      if (backlog > 0) await fill(name, running.get(name)!, backlog)
      await run(setting, 1.5)
    }
    const byName = new Map(settings.map((setting) => [setting.name, setting]))
    const results = await turns([...byName.keys()], rounds, (name, round) => {
      progress(`${title}: round ${round + 1} of ${rounds}, ${name}`)
      return run(byName.get(name)!, seconds)
    })
    return settings.map(({ name }) => ({ setting: name, eventsPerSecond: results[name]! }))
  })
}

const batches = {
  title: "delivery from memory against events a batch: up, until what a request costs is shared by many",
  sizes: [1, 10, 100, 500, 2000],
  /** As many of the smallest batches as are sent in about the time that the others take. */
  eventsOf: (size: number) => Math.min(100_000, 4000 * size),
}

const measureBatches = async (): Promise<ReadonlyArray<Row>> => {
  const senders = new Map<string, { readonly size: number; readonly sender: Sender }>()
  for (const size of batches.sizes) {
    const name = `${size} events a batch`
    progress(`${batches.title}: warming up ${name}`)
    const sender = await millraceSender("memory:", size)
    await sender.send(batches.eventsOf(size))
    senders.set(name, { size, sender })
  }
  const names = [...senders.keys()]
  const results = await turns(names, rounds, async (name, round) => {
    progress(`${batches.title}: round ${round + 1} of ${rounds}, ${name}`)
    const { size, sender } = senders.get(name)!
    return (await sender.send(batches.eventsOf(size))).eventsPerSecond
  })
  for (const { sender } of senders.values()) await sender.stop()
  return names.map((name) => ({ setting: name, eventsPerSecond: results[name]! }))
}

pinDriver()
const tables: Array<{ readonly title: string; readonly rows: ReadonlyArray<Row> }> = []
for (const kind of choice("tables", values.tables, kinds)) {
  tables.push(
    kind === "batches"
      ? { title: batches.title, rows: await measureBatches() }
      : { title: intake[kind].title, rows: await measureIntake(intake[kind]) },
  )
}
progressEnd()

const toFirst = (rows: ReadonlyArray<Row>, row: Row): ReadonlyArray<number> =>
  ratios(row.eventsPerSecond, rows[0]!.eventsPerSecond)

const machine = environment()
publish(
  values.json,
  {
    benchmark: "growth",
    environment: machine,
    settings: { rounds, seconds },
    results: tables.map(({ title, rows }) => ({
      title,
      rows: rows.map((row) => ({ ...row, rateRatio: summary(toFirst(rows, row)) })),
    })),
  },
  [
    `Growth: Millrace on SQLite, 100 events a request and 32 connections where nothing else is said, medians of ${rounds} rounds, [least-greatest]. ${describe(machine)}`,
    ...tables.flatMap(({ title, rows }) => [
      "",
      title,
      ...table(
        ["", "events/s", "x first"],
        rows.map((row) => [
          row.setting,
          String(Math.round(median(row.eventsPerSecond))),
          spread(toFirst(rows, row)),
        ]),
      ),
    ]),
  ],
)
