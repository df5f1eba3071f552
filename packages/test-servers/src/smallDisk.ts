import { execFileSync } from "node:child_process"
import { appendFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "vitest"

/** A disk of its own. */
export interface SmallDisk {
  readonly directory: string
  /** Somebody else takes all that is left of it. */
  readonly fill: () => void
  /** And gives it back. */
  readonly clear: () => void
  readonly remove: () => void
}

const newDirectory = (): string => mkdtempSync(join(tmpdir(), "millrace-disk-"))

const mount = (directory: string, mebibytes: number): void => {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", directory], { stdio: "ignore" })
}

/** What a disk gives away at once. */
const piece = Buffer.alloc(4096)

const isFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOSPC"

export const smallDisk = (mebibytes: number): SmallDisk => {
  const directory = newDirectory()
  mount(directory, mebibytes)
  const other = join(directory, "other")
  return {
    directory,
    fill: () => {
      try {
        for (;;) appendFileSync(other, piece)
      } catch (error) {
        if (!isFull(error)) throw error
      }
    },
    clear: () => rmSync(other),
    remove: () => {
      // A process that has been killed may not have ended yet.
      execFileSync("umount", ["--lazy", directory])
      rmSync(directory, { recursive: true })
    },
  }
}

/** Why there can be none on this machine; `undefined` when there can. */
export const lackingDisk = (): string | undefined => {
  const directory = newDirectory()
  try {
    mount(directory, 1)
    execFileSync("umount", [directory])
    return undefined
  } catch {
    return "mounting a small disk takes root"
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/**
 * Registers tests that need small disks; where there can be none there is one skipped test that
 * says so.
 */
export const describeDisk = (name: string, body: () => void): void => {
  const reason = lackingDisk()
  if (reason === undefined) describe(name, body)
  else it.skip(`${name} (skipped: ${reason})`)
}
