import { statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"

/** How much a disk has left for files beside one, in bytes: infinity where it does not tell. */
export const freeOn = (path: string): number => {
  try {
    const { bavail, bsize, blocks } = statfsSync(dirname(path))
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Returns the size of a file in bytes: 0 where it is not there, or cannot be looked at. */
export const sizeOf = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  } catch {
    return 0
  }
}

/** What the store has of it already. */
const ownFiles = ["", "-wal", "-reserve"]

/** Why a disk does not hold what the log may take in bytes; `null` when it does. */
export const tooSmall = (path: string, maxBytes: number): string | null => {
  const room = ownFiles.reduce((sum, suffix) => sum + sizeOf(path + suffix), freeOn(path))
  return room >= maxBytes
    ? null
    : `the log may take ${maxBytes} bytes (maxBytes), and the disk has ${room} for it in all: it takes no events once that is used up by those not yet delivered, and keeps fewer for replay`
}
