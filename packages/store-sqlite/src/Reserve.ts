import { randomFillSync } from "node:crypto"
import { closeSync, constants, existsSync, openSync, realpathSync, truncateSync, writeSync } from "node:fs"
import { ownMode } from "./ownFile.ts"
import { sizeOf } from "./volume.ts"

/** In one call of the system, in bytes. */
const pieceBytes = 256 * 1024

/** What a disk says that has no room: none at all, or none for this user or directory. */
const noRoom: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"])

const isNoRoom = (error: unknown): boolean =>
  error instanceof Error && "code" in error && noRoom.has(error.code)

const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

/**
 * A file beside the store's that holds nothing but room: a full disk takes no write at all, not
 * even one that drops what is delivered. It makes way then, and is filled again before the log
 * takes anything.
 *
 * Its bytes are random: file systems leave out those that are zero, and compress what can be.
 */
export class Reserve {
  readonly #path: string

  /** @param path of the store's file */
  constructor(path: string) {
    // Beside the file that links lead to, like SQLite's own.
    this.#path = `${existsSync(path) ? realpathSync(path) : path}-reserve`
  }

  /** In bytes. */
  get size(): number {
    return sizeOf(this.#path)
  }

  /**
   * Makes it as large as that, if it is smaller.
   *
   * @returns `full` when the disk has no room for it, and it is as it was; `refused` when it may
   * not be made at all, which says nothing of room
   */
  grow(size: number): "grown" | "full" | "refused" {
    const before = this.size
    if (before >= size) return "grown"
    try {
      const file = openSync(this.#path, flags, ownMode)
      try {
        const piece = randomFillSync(Buffer.allocUnsafe(Math.min(pieceBytes, size - before)))
        for (let at = before; at < size; ) at += writeSync(file, piece, 0, Math.min(piece.length, size - at))
        return "grown"
      } finally {
        closeSync(file)
      }
    } catch (error) {
      if (!isNoRoom(error)) return "refused"
      this.shrink(before)
      return "full"
    }
  }

  /** Gives away what is more than that. Says whether there was any. */
  shrink(size: number): boolean {
    if (this.size <= size) return false
    try {
      truncateSync(this.#path, size)
      return true
    } catch {
      // It belongs to another user, or the disk takes no writes.
      return false
    }
  }
}
