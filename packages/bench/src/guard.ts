import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { Store } from "@millrace/core"
import * as Sqlite from "@millrace/store-sqlite"
import { Agent, request } from "undici"
import { contestants } from "./contestants/all.ts"
import { groupCommit } from "./contestants/limit.ts"
import { eventBytesOf } from "./deliveries.ts"
import { bounds, type Guarded } from "./guardBounds.ts"
import { leastOf, type Pair, ratioOf, verdict } from "./guardVerdict.ts"
import { pipeline } from "./pipeline.ts"
import { cpuTime, driverCore, start } from "./processes.ts"
import type { LoaderAbilities } from "./programs/loader.ts"
import type { SinkAbilities } from "./programs/sink.ts"
import { print, progress, progressEnd, table } from "./report.ts"
import { body } from "./requests.ts"

/**
 * Ends with 1 when a hot path takes more CPU time than its bound allows, as a multiple of the bare
 * way. Both run in this process, in turns so short that most of them are not interrupted. Seconds
 * do not matter, nor does what else the machine does.
 */
const turns = 100
const warmUp = 50

/** Microseconds of CPU each of so many times, all threads included. */
const cost = async (times: number, work: () => Promise<unknown>): Promise<number> => {
  const before = cpuTime()
  await work()
  return (cpuTime() - before) / times
}

interface Ways {
  readonly millrace: () => Promise<number>
  readonly bare: () => Promise<number>
}

const measure = async (name: Guarded, { millrace, bare }: Ways): Promise<number> => {
  const pairs: Array<Pair> = []
  for (let turn = -warmUp; turn < turns; turn++) {
    progress(`${name}: turn ${turn + warmUp + 1} of ${warmUp + turns}`)
    const pair = { millrace: await millrace(), bare: await bare() }
    // Whatever waits for its turn of the event loop has it here, and not in between.
    await setImmediate()
    if (turn >= 0) pairs.push(pair)
  }
  return ratioOf(pairs)
}

const repeat = async (times: number, work: () => unknown): Promise<void> => {
  for (let done = 0; done < times; done++) await work()
}

/**
 * Holds five times what a turn takes in, and then uses the same memory again: the cost of new pages
 * of memory differs between machines.
 */
const smallStore = Store.layerMemory({ maxBytes: 4 * 1024 ** 2 })

/** `handle` on the memory store, and `JSON.parse`. */
const intake = (events: number, times: number) => async (name: Guarded) => {
  const { millrace, post } = await pipeline({ store: smallStore })
  const bytes = body(events)
  const ratio = await measure(name, {
    millrace: () => cost(times, () => repeat(times, () => post(bytes))),
    bare: () =>
      cost(times * 2, async () => {
        for (let done = 0; done < times * 2; done++) JSON.parse(bytes.toString())
      }),
  })
  await millrace.close()
  return ratio
}

/** Starts so many callers at once, which share the writes. */
const together = (times: number, work: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: 25 }, () => repeat(times / 25, work)))

/**
 * Compares `handle` on the SQLite store with `JSON.parse` and an append with `fdatasync`, both with
 * 25 requests at a time.
 */
const sqlite = (events: number, times: number) => async (name: Guarded) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
  const { millrace, post } = await pipeline({ store: Sqlite.layer({ path: join(directory, "events.db") }) })
  const append = groupCommit(join(directory, "log"))
  const bytes = body(events)
  const bare = () =>
    new Promise<void>((resolve) => {
      JSON.parse(bytes.toString())
      append(bytes, resolve)
    })
  const ratio = await measure(name, {
    millrace: () => cost(times, () => together(times, () => post(bytes))),
    bare: () => cost(times, () => together(times, bare)),
  })
  await millrace.close()
  rmSync(directory, { recursive: true, force: true })
  return ratio
}

/**
 * Compares Millrace on `node:http` and the memory store with the limit of the intake. Both answer
 * the same load from another process.
 */
const http = (events: number, times: number) => async (name: Guarded) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
  const loader = await start<LoaderAbilities>("loader", driverCore)
  const way = async (contestant: "memory" | "limit") => {
    const { port } = await contestants[contestant].start(directory, {})
    return () => cost(times, () => loader.ask("load", { port, events, connections: 32, requests: times }))
  }
  const ratio = await measure(name, { millrace: await way("memory"), bare: await way("limit") })
  await loader.stop()
  rmSync(directory, { recursive: true, force: true })
  return ratio
}

/** One destination, from the memory store, and `JSON.stringify` and undici with the same bytes. */
const delivery = (batches: number) => async (name: Guarded) => {
  const id = "sink"
  const batch = 500
  const events = batches * batch
  const sink = await start<SinkAbilities>("sink", driverCore)
  const url = `http://127.0.0.1:${await sink.ask("port")}/`
  const { millrace, post } = await pipeline({ destinations: [{ id, url, batch: { maxEvents: batch } }] })
  const bytes = body(100)
  const fill = (count: number) => repeat(count / 100, () => post(bytes))

  await millrace.disable(id)
  await fill(batch)
  await millrace.enable(id)
  const sample = await sink.ask("sample")
  const eventBytes = eventBytesOf(sample)
  await sink.ask("arrival", batch * eventBytes)
  await millrace.disable(id)

  const sent = JSON.parse(sample) as ReadonlyArray<unknown>
  const dispatcher = new Agent()
  const headers = { "content-type": "application/json" }
  const sendBare = async () => {
    const reply = await request(url, { method: "POST", headers, body: JSON.stringify(sent), dispatcher })
    await reply.body.dump()
  }
  const ratio = await measure(name, {
    millrace: async () => {
      await fill(events)
      const arrival = sink.ask("arrival", events * eventBytes)
      const spent = await cost(events, async () => {
        await millrace.enable(id)
        await arrival
      })
      await millrace.disable(id)
      return spent
    },
    bare: async () => {
      const arrival = sink.ask("arrival", 2 * events * eventBytes)
      return cost(2 * events, async () => {
        await repeat(2 * batches, sendBare)
        await arrival
      })
    },
  })
  await millrace.close()
  await dispatcher.close()
  await sink.stop()
  return ratio
}

const guards: Readonly<Record<Guarded, (name: Guarded) => Promise<number>>> = {
  intake1: intake(1, 250),
  intake100: intake(100, 30),
  http1: http(1, 320),
  sqlite100: sqlite(100, 75),
  delivery: delivery(8),
}

const rows: Array<ReadonlyArray<string>> = []
for (const name of Object.keys(bounds) as ReadonlyArray<Guarded>) {
  const { seen, bound } = bounds[name]
  const ratio = await leastOf(() => guards[name](name), bound)
  const said = verdict(ratio, { seen, bound })
  rows.push([name, ratio.toFixed(2), seen.toFixed(2), bound.toFixed(2), said])
  if (said === "too slow") process.exitCode = 1
}
progressEnd()
print("Regression guard: CPU time as a multiple of the bare way (src/guardBounds.ts has the bounds)")
for (const line of table(["", "now", "seen", "bound", ""], rows)) print(line)
// Its servers listen on.
process.exit()
