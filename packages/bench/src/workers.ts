import { connect } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { parseArgs } from "node:util"
import { choice, number, numbers } from "./options.ts"
import { machine, median, print, progress, progressEnd, spread, table } from "./report.ts"
import { key, request } from "./requests.ts"
import * as Served from "./served.ts"

/**
 * Measures what a request costs with `millrace serve --workers N`: in the process that has the
 * store, and in those that take it in. With 1 they are the same process. The load has the same
 * cores, so requests a second say little where there are few cores. How far N goes shows in the CPU
 * time of the one process which cannot be multiplied: it goes down.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    "warm-up": { type: "string", default: "2" },
    workers: { type: "string", default: "1,2" },
    stores: { type: "string", default: "memory,sqlite" },
    events: { type: "string", default: "1,100" },
    connections: { type: "string", default: "64" },
  },
})

interface Server {
  readonly port: number
  /**
   * Returns microseconds since each began: of the process that has the store, and of its workers
   * together.
   */
  readonly cpu: () => Promise<{ readonly primary: number; readonly workers: number }>
  readonly stop: () => Promise<void>
}

const serve = async (store: "memory" | "sqlite", workers: number): Promise<Server> => {
  const { port, metrics, stop } = await Served.serve({
    store,
    flags: ["--server-key", key, "--workers", String(workers)],
  })
  return {
    port,
    cpu: async () => {
      const text = await metrics()
      const seconds = (pattern: RegExp) =>
        [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0)
      return {
        primary: seconds(/^process_cpu_seconds_total (\S+)$/gm) * 1e6,
        workers: seconds(/^process_cpu_seconds_total\{worker="\d+"\} (\S+)$/gm) * 1e6,
      }
    },
    stop,
  }
}

interface Load {
  readonly replies: () => number
  /** Resolves once the last replies are there. */
  readonly stop: () => Promise<void>
}

/**
 * Keeps connections busy with one request at a time, and opens another one where the server ends
 * one.
 */
const startLoad = (port: number, request: Buffer, connections: number): Load => {
  let replies = 0
  let isOver = false
  const drive = () =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        const socket = connect({ port, host: "127.0.0.1", noDelay: true })
        let received = ""
        socket.setEncoding("latin1").on("data", (chunk: string) => {
          received += chunk
          const headEnd = received.indexOf("\r\n\r\n")
          if (headEnd < 0) return
          const head = received.slice(0, headEnd)
          if (received.length < headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)) return
          if (!head.startsWith("HTTP/1.1 202")) return reject(new Error(`unexpected reply: ${received}`))
          received = ""
          replies += 1
          if (!isOver && !/^connection: close/im.test(head)) return void socket.write(request)
          socket.destroy()
          if (isOver) resolve()
          else begin()
        })
        socket.once("error", reject)
        socket.write(request)
      }
      begin()
    })
  const driving = Promise.all(Array.from({ length: connections }, drive))
  return {
    replies: () => replies,
    stop: async () => {
      isOver = true
      await driving
    },
  }
}

interface Sample {
  readonly requestsPerSecond: number
  /** Microseconds of CPU time. */
  readonly primary: number
  readonly workers: number
}

const measure = async (store: "memory" | "sqlite", workers: number, events: number): Promise<Sample> => {
  const server = await serve(store, workers)
  const load = startLoad(server.port, request(events), number("connections", values.connections))
  // Long enough for workers to share the connections evenly.
  await delay(number("warm-up", values["warm-up"]) * 1000)
  const look = async () => ({ cpu: await server.cpu(), replies: load.replies(), at: performance.now() })
  const before = await look()
  await delay(number("seconds", values.seconds) * 1000)
  const after = await look()
  await load.stop()
  await server.stop()
  const requests = after.replies - before.replies
  return {
    requestsPerSecond: (requests * 1000) / (after.at - before.at),
    primary: (after.cpu.primary - before.cpu.primary) / requests,
    workers: (after.cpu.workers - before.cpu.workers) / requests,
  }
}

const stores = choice("stores", values.stores, ["memory", "sqlite"])
const counts = numbers("workers", values.workers)
const rounds = number("rounds", values.rounds)

print(`Workers: ${machine()}, ${values.connections} connections, the load on the same cores`)
for (const store of stores) {
  for (const events of numbers("events", values.events)) {
    const samples = counts.map((workers) => ({ workers, taken: [] as Array<Sample> }))
    for (let round = 0; round < rounds; round++) {
      for (const { workers, taken } of samples) {
        progress(`${store}, ${events} events, round ${round + 1}, ${workers} workers`)
        taken.push(await measure(store, workers, events))
      }
    }
    progressEnd()
    print(`\n${store}, ${events === 1 ? "1 event" : `${events} events`} a request`)
    const rows = samples.map(({ workers, taken }) => {
      const primary = taken.map((sample) => sample.primary)
      return [
        workers === 1 ? "one process" : `${workers} workers`,
        spread(
          taken.map((sample) => sample.requestsPerSecond),
          0,
        ),
        spread(primary, 1),
        spread(
          taken.map((sample) => sample.workers),
          1,
        ),
        (1e6 / median(primary)).toFixed(0),
      ]
    })
    const header = ["", "requests/s", "us/request in the primary", "in workers", "requests/s of its one core"]
    for (const line of table(header, rows)) print(line)
  }
}
