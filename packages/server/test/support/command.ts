import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { onTestFailed, onTestFinished } from "vitest"
import { makeChanges } from "./resources.ts"

const bin = fileURLToPath(new URL("../../bin/millrace.mjs", import.meta.url))

export interface CommandOptions {
  readonly cwd: string
  /** Besides PATH: nothing of the machine that runs the tests gets in. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The command as a process of its own. */
export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ending>
  /**
   * Resolves once the condition holds of what has been printed, rejects when the process ends
   * before.
   */
  readonly until: (condition: () => boolean) => Promise<void>
}

export const launch = (args: ReadonlyArray<string>, { cwd, env = {} }: CommandOptions): Running => {
  const child: ChildProcess = spawn(process.execPath, [bin, ...args], {
    cwd,
    // Nobody looks at a terminal here: without it lines would be JSON.
    env: { PATH: process.env["PATH"], MILLRACE_LOG_FORMAT: "text", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const output = { stdout: "", stderr: "" }
  const changes = makeChanges()
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text
      changes.notify()
    })
  }
  let ending: Ending | undefined
  const ended = once(child, "close").then(([code, signal]) => {
    ending = { code, signal }
    changes.notify()
    return ending
  })
  onTestFailed(() => {
    process.stdout.write(`${args.join(" ")}, the end of its log:\n${output.stderr.slice(-4_000)}\n`)
  })
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  return {
    pid: child.pid!,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => void child.kill(signal),
    ended,
    until: async (condition) => {
      await changes.until(() => condition() || ending !== undefined)
      if (!condition()) throw new Error(`the command has ended:\n${output.stdout}${output.stderr}`)
    },
  }
}

export interface Server extends Running {
  readonly url: string
}

/** `millrace serve` on a free port, listening; it may send to receivers on this machine. */
export const serve = (args: ReadonlyArray<string>, options: CommandOptions): Promise<Server> =>
  serveGuarded(["--allow-private-destinations", ...args], options)

/** The same as it is without a word: it sends to the public Internet only. */
export const serveGuarded = async (args: ReadonlyArray<string>, options: CommandOptions): Promise<Server> => {
  const running = launch(["serve", "--port", "0", ...args], options)
  await running.until(() => running.stdout().includes("\n"))
  const url = /^millrace listening on (http:\/\/\S+)\n/.exec(running.stdout())?.[1]
  if (url === undefined) throw new Error(`not the first line that was promised: ${running.stdout()}`)
  // What follows the first line in the same breath has then come too.
  await running.until(() => running.stderr().includes(" started "))
  return { ...running, url }
}

/** Runs to the end. */
export const outcome = async (
  args: ReadonlyArray<string>,
  options: CommandOptions,
): Promise<Ending & { readonly stdout: string; readonly stderr: string }> => {
  const running = launch(args, options)
  const ending = await running.ended
  return { ...ending, stdout: running.stdout(), stderr: running.stderr() }
}

/** Resident memory of a process, in bytes. */
export const residentBytes = (pid: number): number => {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  return Number(match![1]) * 1024
}
