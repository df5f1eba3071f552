import type { Request, TableName } from "./protocol.ts"

/**
 * What may be lost in a power cut: what was delivered since the last save of a cursor goes out
 * again, as it does after a crash before the save, and attempts and counts are kept as best they
 * can. What comes later and needs a sync takes it along, so a cursor is never behind what was
 * trimmed for it.
 */
const repeatable: ReadonlySet<`${TableName}.${string}`> = new Set([
  "cursors.save",
  "attempts.append",
  "counters.add",
])

/** Whether a request is to survive a power cut when it is answered. */
export const needsSync = ({ appends, calls }: Pick<Request, "appends" | "calls">): boolean =>
  appends !== null || !calls.every(({ table, method }) => repeatable.has(`${table}.${method}`))
