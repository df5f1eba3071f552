import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { Socket } from "node:net"
import { familyOf, signal, untilGone, untilStopped } from "./internal/processes.ts"
import { register } from "./internal/warden.ts"

/**
 * A server of the test's own, on a port and a folder of its own. It ends with the test's process at
 * the latest.
 */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** Where its data are. */
  readonly directory: string
  /** Starts it again, on the same data and port; returns when it serves. */
  readonly start: () => Promise<void>
  /** Ends it in order. */
  readonly stop: () => Promise<void>
  /** `kill -9` of all its processes at once. */
  readonly kill: () => Promise<void>
  /** SIGSTOP of all its processes: connections stay open and nothing answers. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** Kills it and removes its data. */
  readonly dispose: () => Promise<void>
}

export interface User {
  readonly uid: number
  readonly gid: number
}

export interface Program {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly user: User | undefined
  readonly directory: string
  readonly url: string
  readonly port: number
  /** What it writes once it serves. */
  readonly ready: RegExp
  readonly stopSignal: NodeJS.Signals
}

/** Bounds a hang: recovery after a kill takes its time on a busy machine. */
const patience = 60_000

const started = (child: ChildProcess, { command, ready }: Program): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = ""
    const fail = (why: string) => reject(new Error(`${command} ${why}\n${output}`))
    const timer = setTimeout(() => fail(`does not serve after ${patience / 1000} s`), patience)
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      outcome()
    }
    child.once("error", (error) => settle(() => reject(error)))
    child.once("exit", (code, by) => settle(() => fail(`ended with ${code ?? by}`)))
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-16_384)
        if (ready.test(output)) settle(resolve)
      })
    }
  })

const spawned = async (program: Program): Promise<ChildProcess> => {
  const { command, args, directory, user } = program
  const child = spawn(command, args, {
    cwd: directory,
    // A group of its own: the interrupt of a terminal is for the tests, which end it in their
    // order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...user,
  })
  if (child.pid !== undefined) register(program, [child.pid])
  try {
    await started(child, program)
  } catch (error) {
    if (child.pid !== undefined) signal([child.pid], "SIGKILL")
    throw error
  }
  child.unref()
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref()
  return child
}

/** Starts a program that has its data in place. */
export const startServer = async (program: Program): Promise<TestServer> => {
  const { directory, url, port, stopSignal } = program
  let child: ChildProcess | undefined = await spawned(program)
  let paused: ReadonlyArray<number> = []

  const end = async (family: ReadonlyArray<number>, name: NodeJS.Signals, ended: ChildProcess) => {
    const gone = ended.exitCode === null && ended.signalCode === null ? once(ended, "exit") : undefined
    ended.ref()
    signal(family, name)
    await gone
    await untilGone(family)
    child = undefined
    paused = []
    register(program, [])
  }

  const halt = async (root: number): Promise<ReadonlyArray<number>> => {
    // The first process stands still before the others are listed, so that it makes no more of
    // them.
    signal([root], "SIGSTOP")
    await untilStopped([root])
    const family = familyOf(root)
    register(program, family)
    signal(family, "SIGSTOP")
    await untilStopped(family)
    return family
  }

  const resume = () => {
    signal(paused, "SIGCONT")
    paused = []
  }

  const kill = async () => {
    // Halted first, none is left to tell its clients that another has died.
    if (child?.pid !== undefined) await end(await halt(child.pid), "SIGKILL", child)
  }

  return {
    url,
    port,
    directory,
    start: async () => {
      if (child !== undefined) throw new Error("the server runs already")
      child = await spawned(program)
    },
    stop: async () => {
      if (child?.pid === undefined) return
      resume()
      await end([child.pid], stopSignal, child)
    },
    kill,
    pause: async () => {
      if (child?.pid === undefined) throw new Error("the server does not run")
      paused = await halt(child.pid)
    },
    resume,
    dispose: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A path that must be there: the tests have asked `available` first. */
export const required = (program: string, path: string | undefined): string => {
  if (path === undefined) throw new Error(`${program} is not installed`)
  return path
}
