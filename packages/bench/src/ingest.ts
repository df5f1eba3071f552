import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { contestants, serve } from "./contestants.ts"
import { load } from "./load.ts"
import { machine, median, pin, print, spread } from "./report.ts"
import { request } from "./requests.ts"

/**
 * Intake: contestants side by side, interleaved, each server on one core and the load on another. Compare the ratios: absolute
 * figures are those of the machine.
 */
const { values } = parseArgs({
  options: {
    serve: { type: "string" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    events: { type: "string", default: "1,100" },
    connections: { type: "string", default: "32" },
    json: { type: "boolean", default: false },
  },
})

interface Sample {
  readonly contestant: string
  readonly events: number
  readonly requestsPerSecond: number
  /** CPU time of the server's whole process, its other threads included, in microseconds. */
  readonly cpuPerRequest: number
  readonly p99: number
}

const start = async (contestant: string) => {
  const command = [
    ...pin(0),
    process.execPath,
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    "--serve",
    contestant,
  ]
  const child: ChildProcess = spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const line = async () => JSON.parse((await lines.next()).value as string) as Record<string, number>
  const { port } = await line()
  return {
    port: port!,
    cpu: async () => {
      child.stdin!.write("\n")
      return (await line())["cpu"]!
    },
    stop: () =>
      new Promise<void>((resolve) => {
        child.on("exit", () => resolve())
        child.stdin!.end()
      }),
  }
}

const measure = async (contestant: string, events: number): Promise<Sample> => {
  const server = await start(contestant)
  const connections = Number(values.connections)
  const body = request(events)
  await load(server.port, body, { connections, seconds: 1 })
  const before = await server.cpu()
  const { requests, seconds, latencies } = await load(server.port, body, {
    connections,
    seconds: Number(values.seconds),
  })
  const after = await server.cpu()
  await server.stop()
  return {
    contestant,
    events,
    requestsPerSecond: requests / seconds,
    cpuPerRequest: (after - before) / requests,
    p99: latencies[Math.floor(latencies.length * 0.99)]!,
  }
}

const report = (samples: ReadonlyArray<Sample>): void => {
  print(`Intake. ${machine()}, server on one core, ${values.connections} connections`)
  for (const [name, { description }] of Object.entries(contestants)) print(`  ${name}: ${description}`)
  for (const events of new Set(samples.map((sample) => sample.events))) {
    print(
      `\n${events} event${events === 1 ? "" : "s"} a request (median of ${values.rounds} rounds, spread in brackets)`,
    )
    for (const contestant of Object.keys(contestants)) {
      const of = (name: string) => samples.filter((one) => one.contestant === name && one.events === events)
      const ratios = (pick: (sample: Sample) => number) =>
        of(contestant).map((sample, round) => pick(sample) / pick(of("limit")[round]!))
      print(
        [
          contestant.padEnd(18),
          `${Math.round(median(of(contestant).map((one) => one.requestsPerSecond * events)))} events/s`.padStart(
            18,
          ),
          `rate x ${spread(ratios((one) => one.requestsPerSecond))}`.padStart(26),
          `CPU x ${spread(ratios((one) => one.cpuPerRequest))}`.padStart(26),
          `${median(of(contestant).map((one) => one.cpuPerRequest)).toFixed(0)} us`.padStart(9),
          `p99 ${median(of(contestant).map((one) => one.p99)).toFixed(1)} ms`.padStart(12),
        ].join("  "),
      )
    }
  }
}

if (values.serve !== undefined) await serve(values.serve)
else {
  const samples: Array<Sample> = []
  for (const events of values.events.split(",").map(Number)) {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const contestant of Object.keys(contestants)) samples.push(await measure(contestant, events))
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(samples)}\n`)
  else report(samples)
}
