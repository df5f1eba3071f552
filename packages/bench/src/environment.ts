import { readFileSync } from "node:fs"
import { cpus, release, tmpdir, totalmem } from "node:os"
import { driver, driverName } from "./driver.ts"
import { canPin } from "./processes.ts"

/** Where figures come from: without it they mean little. */
export interface Environment {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Bytes. */
  readonly memory: number
  readonly kernel: string
  /** The file system of the folder for temporary files, where all logs are. */
  readonly fileSystem: string
  readonly sqlite: string
  readonly pinned: boolean
}

/**
 * Finds the file system of the longest mount point that holds the path, in the lines of
 * `/proc/mounts`.
 */
export const fileSystemOf = (path: string, mounts: string): string =>
  mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point]) => point !== undefined && `${path}/`.startsWith(point === "/" ? "/" : `${point}/`))
    .reduce(
      (best, [, point, type]) =>
        point!.length >= best.point.length ? { point: point!, type: type ?? "unknown" } : best,
      { point: "", type: "unknown" },
    ).type

const mounts = (): string => {
  try {
    return readFileSync("/proc/mounts", "utf8")
  } catch {
    return ""
  }
}

const sqliteVersion = (): unknown => {
  const database = new driver.DatabaseSync(":memory:")
  const row = database.prepare("SELECT sqlite_version() AS version").get()
  database.close()
  return row?.["version"]
}

export const environment = (): Environment => ({
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  kernel: release(),
  fileSystem: fileSystemOf(tmpdir(), mounts()),
  sqlite: `${sqliteVersion()} (${driverName})`,
  pinned: canPin(),
})

export const describe = ({ node, cpu, cores, kernel, fileSystem, sqlite, pinned }: Environment): string =>
  `Node ${node}, ${cores} x ${cpu}, Linux ${kernel}, ${fileSystem}, SQLite ${sqlite}${pinned ? "" : ", not pinned to cores"}`
