import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"

/** A directory of this test's own. */
export const tempDir = (): string => {
  const path = mkdtempSync(join(tmpdir(), "millrace-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Lets waiting code look again whenever something has happened. */
export interface Changes {
  readonly notify: () => void
  /** Resolves once the condition holds; what the condition waits for has to call `notify`. */
  readonly until: (condition: () => boolean) => Promise<void>
}

export const makeChanges = (): Changes => {
  const waiting = new Set<() => void>()
  return {
    notify: () => {
      for (const look of [...waiting]) look()
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}
