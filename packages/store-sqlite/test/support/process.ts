import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

const local = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export interface Child {
  readonly process: ChildProcess
  /** What it has said so far, in whole lines. */
  readonly lines: ReadonlyArray<string>
  /** Once it has said so many lines. Fails when it ends before. */
  readonly said: (count: number) => Promise<void>
  /** Its exit code, or the signal that ended it, once all it has said is here. */
  readonly ended: Promise<number | string>
}

/** Runs `child.ts`, from sources as the tests do. */
export const startChild = (...parameters: ReadonlyArray<string>): Child => {
  const preloads = ["--import", "tsx", "--import", local("../../../../.ci/sourceThreads.ts")]
  const child = spawn(process.execPath, [...preloads, local("./child.ts"), ...parameters], {
    env: { ...process.env, TSX_TSCONFIG_PATH: local("./tsconfig.json") },
    stdio: ["ignore", "pipe", "inherit"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  const lines: Array<string> = []
  const watchers = new Set<() => void>()
  let rest = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n")
    rest = parts.pop() ?? ""
    lines.push(...parts)
    for (const watcher of watchers) watcher()
  })
  const ended = new Promise<number | string>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown"))
  })
  return {
    process: child,
    lines,
    ended,
    said: (count) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          if (lines.length < count) return
          watchers.delete(watcher)
          resolve()
        }
        watchers.add(watcher)
        ended.then((how) => reject(new Error(`ended (${how}) after ${lines.length} lines`)))
        watcher()
      }),
  }
}
