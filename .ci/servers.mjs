// Starts what the tests need and does not run yet, on the standard local ports: PostgreSQL, Redis,
// NATS with JetStream. What is not installed is installed from Debian's packages, by root;
// pgbouncer and Chromium too. `--stop` ends what it has started, and removes the data.
import { execFileSync, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { tsImport } from "tsx/esm/api"

const { available, endpointOf, natsIn, pathOf, postgresIn, reachable, redisIn, servers, signal, untilGone } =
  await tsImport("../packages/test-servers/src/programs.ts", import.meta.url)

const kinds = [
  { kind: "postgres", package: "postgresql", program: postgresIn },
  { kind: "redis", package: "redis-server", program: redisIn },
  { kind: "nats", package: "nats-server", program: natsIn },
]

const home = join(tmpdir(), `millrace-local-servers-${process.getuid?.() ?? 0}`)
const runFile = (name) => join(home, `${name}.json`)
const logFile = (name) => join(home, `${name}.log`)

const install = (name) => {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new Error(`${name} is not installed (on Debian, as root: apt-get install ${name})`)
  }
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  }
  execFileSync("apt-get", ["update", "-q"], options)
  execFileSync("apt-get", ["install", "-qy", "--no-install-recommends", name], options)
}

const start = async (kind, program, { port }) => {
  const name = `${kind}-${port}`
  const directory = join(home, name)
  mkdirSync(directory, { recursive: true })
  // PostgreSQL runs as another user.
  chmodSync(home, 0o711)
  const { command, args, user, ready } = await program(directory, port)
  const log = logFile(name)
  const output = openSync(log, "w")
  const child = spawn(command, args, {
    cwd: directory,
    detached: true,
    stdio: ["ignore", output, output],
    ...user,
  })
  writeFileSync(runFile(name), JSON.stringify({ pid: child.pid, port }))
  child.unref()
  for (const deadline = Date.now() + 60_000; !ready.test(readFileSync(log, "utf8")); await delay(20)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${command} does not start:\n${readFileSync(log, "utf8").slice(-4000)}`)
    }
  }
}

const stop = async (name) => {
  const { pid, port } = JSON.parse(readFileSync(runFile(name), "utf8"))
  // After a restart of the machine it may be anybody's. Redis shows its port in place of its
  // arguments.
  const { stdout } = spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" })
  const pids = [home, `:${port}`].some((part) => stdout?.includes(part)) ? [pid] : []
  // For PostgreSQL it means not to wait for clients; to the others it is as good as any.
  signal(pids, "SIGINT")
  await untilGone(pids)
  for (const path of [runFile(name), logFile(name), join(home, name)]) {
    rmSync(path, { recursive: true, force: true })
  }
  console.log(`${name}: stopped`)
}

const provide = async ({ kind, package: name, program }) => {
  const endpoint = endpointOf(servers[kind])
  const where = `${endpoint.host}:${endpoint.port}`
  if (await reachable(servers[kind])) return console.log(`${kind}: runs at ${where} already`)
  if (!["127.0.0.1", "localhost", "::1"].includes(endpoint.host)) {
    throw new Error(`${kind}: nothing answers at ${where}, which is not for this script to start`)
  }
  const installed = available(kind)
  if (!installed) {
    install(name)
    console.log(`${kind}: installed ${name}`)
  }
  // Some systems start what they install.
  if (installed || !(await reachable(servers[kind]))) await start(kind, program, endpoint)
  console.log(`${kind}: started at ${where}`)
}

if (process.argv.includes("--stop")) {
  const started = existsSync(home) ? readdirSync(home).filter((file) => file.endsWith(".json")) : []
  if (started.length === 0) console.log("nothing was started here")
  for (const file of started) await stop(basename(file, ".json"))
} else {
  const failed = (error) => {
    console.error(error.message)
    process.exitCode = 1
  }
  for (const one of kinds) await provide(one).catch(failed)
  // Tests start them by themselves.
  for (const program of ["pgbouncer", "chromium"]) {
    if (pathOf(program) !== undefined) continue
    try {
      install(program)
      console.log(`${program}: installed`)
    } catch (error) {
      failed(error)
    }
  }
}
