import { mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import type { StorePlace } from "@millrace/testkit"

/** In bytes, for the largest logs of the contract. */
const enough = 1024 ** 3

/** Memory that Linux gives out as a disk; `null` where there is none, or little of it. */
const memoryDisk = (): string | null => {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm")
    return bavail * bsize >= enough ? "/dev/shm" : null
  } catch {
    return null
  }
}

/**
 * In memory, where a sync costs nothing: the contract asks what a store does, and not what a power
 * cut leaves.
 */
const root = memoryDisk() ?? tmpdir()

/** A directory of its own. */
export const newPlace = (): StorePlace => {
  const directory = mkdtempSync(join(root, "millrace-sqlite-"))
  return {
    open: (options) => layer({ path: join(directory, "millrace.db"), ...options }),
    remove: () => rmSync(directory, { recursive: true }),
  }
}
