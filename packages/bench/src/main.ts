import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { print } from "./report.ts"

/**
 * `npm run bench -- NAME [options]`; without a name all of them, one after the other, each in a
 * process of its own.
 */
const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  ingest: () => import("./ingest.ts"),
  delivery: () => import("./delivery.ts"),
  latency: () => import("./latency.ts"),
  memory: () => import("./memory.ts"),
  growth: () => import("./growth.ts"),
  workers: () => import("./workers.ts"),
  stages: () => import("./stages.ts"),
  guard: () => import("./guard.ts"),
  loop: () => import("./loop.ts"),
  fanout: () => import("./fanout.ts"),
  find: () => import("./find.ts"),
  isolation: () => import("./isolation.ts"),
  stores: () => import("./stores.ts"),
  guest: () => import("./guest.ts"),
  client: () => import("./client.ts"),
  console: () => import("./console.ts"),
  scrape: () => import("./scrape.ts"),
  traces: () => import("./traces.ts"),
  attack: () => import("./attack.ts"),
  failover: () => import("./failover.ts"),
  virtual: () => import("./virtual.ts"),
}
const names = Object.keys(benchmarks)

const [name] = process.argv.splice(2, 1)
if (name === undefined) {
  // An attack lasts for half an hour, and it and fail-overs are no benchmarks of speed: they are
  // run by name.
  for (const each of names.filter((one) => one !== "attack" && one !== "failover")) {
    const command = [...process.execArgv, fileURLToPath(import.meta.url), each]
    const { status } = spawnSync(process.execPath, command, { stdio: "inherit" })
    if (status !== 0) process.exitCode = 1
    print("")
  }
} else {
  const start = benchmarks[name]
  if (start === undefined)
    throw new RangeError(`no benchmark is called "${name}": there are ${names.join(", ")}`)
  await start()
}
