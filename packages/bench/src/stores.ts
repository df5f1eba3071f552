import { randomBytes } from "node:crypto"
import { parseArgs } from "node:util"
import { Entry } from "@millrace/core/host"
import { machine, median, print, spread } from "./report.ts"
import { body } from "./requests.ts"
import type { Contestant, Pair } from "./stores/Contestant.ts"
import { nats } from "./stores/nats.ts"
import { postgres } from "./stores/postgres.ts"
import { redis } from "./stores/redis.ts"
import { sqlite } from "./stores/sqlite.ts"

/**
 * Measures appends: each store beside the bare client of its server, which stores the same entries
 * at the same durability, with as much batching as one would write by hand. Each round is in a
 * fresh place. Compare the ratios: absolute figures are those of the machine, and the server shares
 * it with the client.
 */
const { values } = parseArgs({
  options: {
    stores: { type: "string", default: "sqlite,postgres,redis,nats" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    events: { type: "string", default: "100" },
    callers: { type: "string", default: "32" },
    json: { type: "boolean", default: false },
  },
})

const pairs: Readonly<Record<string, () => Promise<Pair>>> = { sqlite, postgres, redis, nats }

interface Result extends Pick<Pair, "server" | "level" | "description"> {
  readonly store: string
  /** Events a second, one of each a round. */
  readonly millrace: ReadonlyArray<number>
  readonly bare: ReadonlyArray<number>
}

/** Turns of each contestant in a round. */
const turns = 8

const events = Number(values.events)
const bytes = body(events)

const entry = () =>
  Entry.encode(
    randomBytes(16).toString("hex"),
    events,
    {
      receivedAt: Date.now(),
      offset: 12,
      dialect: "log_event",
      mode: "lenient",
      keyId: "b1946ac92492d234",
      sdkType: "statsig-node",
      sdkVersion: "6.5.2",
    },
    bytes,
  )

interface Work {
  readonly events: number
  readonly seconds: number
}

const rateOf = (done: ReadonlyArray<Work>): number =>
  done.reduce((sum, work) => sum + work.events, 0) / done.reduce((sum, work) => sum + work.seconds, 0)

/** Appends of many callers, each of which waits for one before it begins the next. */
const run = async ({ append }: Contestant, seconds: number): Promise<Work> => {
  const started = performance.now()
  const end = started + seconds * 1000
  let appended = 0
  await Promise.all(
    Array.from({ length: Number(values.callers) }, async () => {
      while (performance.now() < end) {
        await append(entry())
        appended += events
      }
    }),
  )
  return { events: appended, seconds: (performance.now() - started) / 1000 }
}

/** In turns, so short that whatever else the machine does meets both. */
const measure = async (pair: Pair) => {
  const contestants = [await pair.millrace(), await pair.bare()] as const
  const [millrace, bare] = contestants
  const done = { millrace: [] as Array<Work>, bare: [] as Array<Work> }
  for (const contestant of contestants) await run(contestant, 0.5)
  for (let turn = 0; turn < turns; turn++) {
    done.bare.push(await run(bare, Number(values.seconds) / turns))
    done.millrace.push(await run(millrace, Number(values.seconds) / turns))
  }
  for (const { close } of contestants) await close()
  return { millrace: rateOf(done.millrace), bare: rateOf(done.bare) }
}

const compare = async (store: string): Promise<Result> => {
  const pair = await pairs[store]!()
  const rounds: Array<{ readonly millrace: number; readonly bare: number }> = []
  for (let round = 0; round < Number(values.rounds); round++) rounds.push(await measure(pair))
  await pair.close()
  return {
    store,
    server: pair.server,
    level: pair.level,
    description: pair.description,
    millrace: rounds.map(({ millrace }) => millrace),
    bare: rounds.map(({ bare }) => bare),
  }
}

const report = ({ store, server, level, description, millrace, bare }: Result): void => {
  const ratios = millrace.map((rate, round) => rate / bare[round]!)
  const row = (name: string, rates: ReadonlyArray<number>, rest: string) =>
    print(`  ${name.padEnd(9)} ${`${spread(rates, 0)} events/s`.padStart(34)}   ${rest}`)
  print(`\n${store}: ${server} (level: ${level})`)
  row("bare", bare, description)
  row("Millrace", millrace, `ratio ${spread(ratios)}, ${Math.round(median(millrace) / events)} appends/s`)
}

const names = values.stores.split(",")
const unknown = names.find((name) => !(name in pairs))
if (unknown !== undefined) throw new RangeError(`no store is called "${unknown}"`)
const results: Array<Result> = []
if (!values.json) {
  print(`Appends of ${events} events (${bytes.length} bytes), ${values.callers} callers. ${machine()}`)
}
for (const name of names) {
  const result = await compare(name)
  results.push(result)
  if (!values.json) report(result)
}
if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`)
