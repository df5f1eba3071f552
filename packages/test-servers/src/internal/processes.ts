import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"

interface Row {
  readonly pid: number
  readonly parent: number
  /** As `ps` shows it: `T` stopped, `Z` ended and not yet reaped. */
  readonly state: string
}

const rowOf = (pid: string): ReadonlyArray<Row> => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return [{ pid: Number(pid), parent: Number(parent), state: state ?? "" }]
  } catch {
    return []
  }
}

const table = (): ReadonlyArray<Row> =>
  existsSync("/proc/self/stat")
    ? readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap(rowOf)
    : execFileSync("ps", ["-A", "-o", "pid=,ppid=,state="], { encoding: "utf8" })
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), state: state ?? "" }))

/** A process and all below it. */
export const familyOf = (root: number): ReadonlyArray<number> => {
  const rows = table()
  const family = [root]
  for (const member of family) {
    family.push(...rows.filter(({ parent }) => parent === member).map(({ pid }) => pid))
  }
  return family
}

const statesOf = (pids: ReadonlyArray<number>): ReadonlyArray<string> =>
  table()
    .filter(({ pid }) => pids.includes(pid))
    .map(({ state }) => state)

export const signal = (pids: ReadonlyArray<number>, name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
    }
  }
}

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await delay(2)
}

export const untilStopped = (pids: ReadonlyArray<number>): Promise<void> =>
  until(() => statesOf(pids).every((state) => /^[TtZX]/.test(state)))

export const untilGone = (pids: ReadonlyArray<number>): Promise<void> =>
  until(() => statesOf(pids).every((state) => /^[ZX]/.test(state)))
