import { execFileSync, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"

/** What a program of its own can be asked to do. */
export type Abilities = Readonly<Record<string, (argument: never) => unknown>>

interface Question {
  readonly id: number
  readonly ability: string
  readonly argument: unknown
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string })

/** A program of the benchmarks that runs in a process of its own. */
export interface Running<A extends Abilities> {
  readonly ask: <K extends keyof A & string>(
    ability: K,
    ...argument: Parameters<A[K]>
  ) => Promise<Awaited<ReturnType<A[K]>>>
  readonly stop: () => Promise<void>
}

/** Nobody has asked for it: the program is there. */
const ready = 0

const taskset = "/usr/bin/taskset"

/** Whether processes can be kept on a core each. */
export const canPin = (): boolean => existsSync(taskset) && cpus().length > 1

/** A command prefix that keeps a process on one core, where that can be done. */
export const pin = (core: number): ReadonlyArray<string> => (canPin() ? [taskset, "-c", String(core)] : [])

/**
 * The core of the contestants. Everything that makes them work, or receives from them, has the
 * second.
 */
export const contestantCore = 0
export const driverCore = 1

/** Keeps this process, and all that it starts unless told otherwise, away from the contestants. */
export const pinDriver = (): void => {
  if (canPin()) execFileSync(taskset, ["-a", "-p", "-c", String(driverCore), String(process.pid)])
}

/**
 * Starts a module of `programs`, which calls {@link offer}. It runs as it was built, since a loader
 * of TypeScript would take time and memory that is not the program's.
 *
 * @param core the one it is kept on
 * @param options what it reads with {@link givenOptions}
 */
export const start = async <A extends Abilities>(
  program: string,
  core: number,
  options: unknown = {},
): Promise<Running<A>> => {
  const [command, ...rest] = [
    ...pin(core),
    process.execPath,
    fileURLToPath(new URL(`../dist/programs/${program}.js`, import.meta.url)),
    JSON.stringify(options),
  ]
  const child = spawn(command!, rest, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  })
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const waiting = new Map<number, (answer: Answer) => void>()
  child.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const answerTo = async (id: number): Promise<unknown> => {
    const answer = await Promise.race([
      new Promise<Answer>((resolve) => waiting.set(id, resolve)),
      exited.then(() => Promise.reject(new Error(`${program} has ended`))),
    ])
    if ("error" in answer) throw new Error(`${program}: ${answer.error}`)
    return answer.value
  }
  await answerTo(ready)
  let lastId = ready
  return {
    ask: async (ability, ...[argument]) => {
      lastId += 1
      const answer = answerTo(lastId)
      child.send({ id: lastId, ability, argument } satisfies Question)
      return (await answer) as never
    },
    stop: async () => {
      child.disconnect()
      await exited
    },
  }
}

/** In a program: what it was started with. */
export const givenOptions = <A>(): A => JSON.parse(process.argv[2] ?? "{}") as A

const errorText = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/**
 * Answers questions, in a program, until the process that has started it is done or gone; then ends
 * this process. To be called once.
 */
export const offer = (abilities: Abilities, end: () => unknown = () => {}): void => {
  const reply = (answer: Answer) => process.send?.(answer)
  process.on("message", async ({ id, ability, argument }: Question) => {
    try {
      reply({ id, value: await abilities[ability]!(argument as never) })
    } catch (error) {
      reply({ id, error: errorText(error) })
    }
  })
  process.once("disconnect", async () => {
    await end()
    process.exit(0)
  })
  reply({ id: ready, value: null })
}

/** CPU time of this whole process, all its threads included, in microseconds. */
export const cpuTime = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

export interface Usage {
  /** {@link cpuTime} */
  readonly cpu: number
  /** The most memory it has had resident, in bytes. */
  readonly peak: number
}

/** Bytes. What `getrusage` says may be that of the process which has started this one. */
const peakMemory = (): number => {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : ""
  const highest = /VmHWM:\s+(\d+) kB/.exec(status)?.[1]
  return 1024 * (highest === undefined ? process.resourceUsage().maxRSS : Number(highest))
}

export const usage = (): Usage => ({ cpu: cpuTime(), peak: peakMemory() })
