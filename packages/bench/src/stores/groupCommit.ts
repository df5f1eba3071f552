import type { EventLog } from "@millrace/core"

interface Waiting {
  readonly entry: EventLog.NewEntry
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Groups writes as code by hand does before a database with transactions: what arrives while one
 * runs shares the next one.
 *
 * @param most how many may run at once
 */
export const groupCommit = (
  write: (entries: ReadonlyArray<EventLog.NewEntry>) => Promise<unknown>,
  most: number,
): ((entry: EventLog.NewEntry) => Promise<void>) => {
  let waiting: Array<Waiting> = []
  let running = 0
  const flush = async (): Promise<void> => {
    if (running >= most || waiting.length === 0) return
    running += 1
    const group = waiting
    waiting = []
    try {
      await write(group.map(({ entry }) => entry))
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
    running -= 1
    setImmediate(flush)
  }
  return (entry) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ entry, resolve, reject })
    })
}
