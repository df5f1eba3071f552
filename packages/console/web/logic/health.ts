/** Whether everything adds up, and how long there is room, in words. */
import type { Rows } from "@millrace/core/host"
import { brokenSays } from "../pages/overview/verdict.ts"

/** The first that holds, worst first. */
export const verdict = (now: Pick<Rows.StatusNow, "destinations" | "store">): string => {
  if (now.store.problem !== null) return "The store does not answer."
  return brokenSays(now.destinations) ?? "Everything adds up."
}

/** ms until the store is full at this rate; `null` when nobody can tell, or it never is. */
export const fullIn = ({ store, intake }: Pick<Rows.StatusNow, "store" | "intake">): number | null => {
  const { bytes, cap, events } = store
  if (bytes === null || cap === null || events === 0 || intake.rate <= 0) return null
  const perSecond = (bytes / events) * intake.rate
  return Math.max(((cap - bytes) / perSecond) * 1000, 0)
}

export interface Check {
  readonly name: string
  readonly level: "ok" | "note" | "wrong"
  readonly message: string
}

/** What is wrong stands first. */
export const sorted = (checks: ReadonlyArray<Check>): ReadonlyArray<Check> => {
  const order = { wrong: 0, note: 1, ok: 2 }
  return [...checks].sort((a, b) => order[a.level] - order[b.level])
}

/** As `millrace doctor` prints it. */
export const asText = (checks: ReadonlyArray<Check>): string =>
  checks.map(({ name, level, message }) => `${level.padEnd(5)} ${name}: ${message}`).join("\n")

/** What was done, in words, by the path of the action; any other stands as it is. */
const deeds: Readonly<Record<string, string>> = {
  "destinations/add": "added",
  "destinations/remove": "removed",
  "destinations/change": "changed",
  "destinations/disable": "paused",
  "destinations/enable": "resumed",
  "destinations/rewind": "rewound",
  "destinations/skip": "skipped what waited for",
  "destinations/test": "sent a test event to",
  "destinations/try-now": "tried at once",
  "secrets/create": "made a new secret for",
  "secrets/retire": "retired a secret of",
  replay: "began a replay to",
  "dead-letters/begin-replay": "began to replay dead letters to",
  "dead-letters/replay": "replayed dead letters to",
  "dead-letters/purge": "purged dead letters of",
  "dead-letters/purge-chosen": "purged dead letters of",
  "jobs/stop": "stopped the replay",
  "keys/create": "made the key",
  "keys/revoke": "revoked the key",
  send: "sent an event",
}

export const didSays = (did: string): string => (Object.hasOwn(deeds, did) ? deeds[did]! : did)

/** Whether what was changed is a destination, which has a page. */
export const hasPage = (did: string): boolean => !/^(?:keys|jobs)\/|^send$/.test(did)
