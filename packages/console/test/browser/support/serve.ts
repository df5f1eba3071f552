import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { onTestFailed, onTestFinished } from "vitest"
import { adminToken } from "../../support/hosts.ts"
import { key } from "./console.ts"

const bin = fileURLToPath(new URL("../../../../server/bin/millrace.mjs", import.meta.url))

export interface Command {
  readonly origin: string
  /** The console's page. */
  readonly url: string
  /** Ends it as a power failure does. */
  readonly kill: () => Promise<void>
  /** Starts it anew, at the same address. */
  readonly start: () => Promise<void>
}

/** `millrace serve` with a console, and a log on disk, until the test is over. */
export const serve = async (): Promise<Command> => {
  const cwd = mkdtempSync(join(tmpdir(), "millrace-console-"))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  writeFileSync(
    join(cwd, "millrace.config.json"),
    JSON.stringify({ keys: { server: [key] }, store: "sqlite:./events.db", admin: { token: adminToken } }),
  )
  let child: ChildProcess | null = null
  let port = 0
  let log = ""
  onTestFailed(() => void process.stdout.write(`the server's log:\n${log.slice(-4_000)}\n`))
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  const start = async (): Promise<void> => {
    const args = [bin, "serve", "--port", String(port), "--allow-private-destinations"]
    child = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    })
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      log += text
    })
    const ended = once(child, "exit").then(() => Promise.reject(new Error("the server has ended")))
    // Later on that is what the test wants.
    ended.catch(() => {})
    const [line] = (await Promise.race([once(child.stdout!, "data"), ended])) as [Buffer]
    port = Number(/listening on http:\/\/\S+:(\d+)/.exec(line.toString())![1])
  }
  await start()
  onTestFinished(kill)
  const origin = `http://127.0.0.1:${port}`
  return { origin, url: `${origin}/console/`, kill, start }
}
