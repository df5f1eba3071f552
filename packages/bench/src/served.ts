import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { pin } from "./processes.ts"

const command = fileURLToPath(new URL("../../server/bin/millrace.mjs", import.meta.url))

export interface ServeOptions {
  /** A store of its own, or the URL of one. */
  readonly store: "memory" | "sqlite" | `${string}://${string}`
  /** Flags besides the port and the store. */
  readonly flags: ReadonlyArray<string>
  /** The content of its configuration file. */
  readonly config?: unknown
  /** The core it is kept on; any by default. */
  readonly core?: number
}

/** `millrace serve` in a process and a folder of its own. */
export interface Served {
  /** `http://HOST:PORT` */
  readonly base: string
  readonly port: number
  readonly pid: number
  /** The text of `GET /metrics`. */
  readonly metrics: () => Promise<string>
  readonly stop: () => Promise<void>
}

/** Resolves when it listens; fails when it ends before that. */
export const serve = async ({ store, flags, config, core }: ServeOptions): Promise<Served> => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
  const own = { memory: "memory:", sqlite: `sqlite:${join(directory, "bench.db")}` }
  const url = store === "memory" || store === "sqlite" ? own[store] : store
  if (config !== undefined) writeFileSync(join(directory, "millrace.config.json"), JSON.stringify(config))
  const [program, ...rest] = [
    ...(core === undefined ? [] : pin(core)),
    process.execPath,
    command,
    "serve",
    ...["--port", "0", "--store", url, ...flags],
  ]
  const child = spawn(program!, rest, { cwd: directory, stdio: ["ignore", "pipe", "ignore"] })
  const ended = once(child, "exit")
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    ended.then(() => Promise.reject(new Error("the server did not start"))),
  ])) as [string]
  const base = line.slice(line.indexOf("http"))
  return {
    base,
    port: Number(new URL(base).port),
    pid: child.pid!,
    metrics: async () => (await fetch(`${base}/metrics`)).text(),
    stop: async () => {
      child.kill("SIGTERM")
      await ended
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
