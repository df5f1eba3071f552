import * as Context from "effect/Context"
import type { EntryId } from "./EventLog.ts"

const idLength = 16

const hexPairs: ReadonlyArray<string> = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
)

/** Random bytes are cheap by the kilobyte and dear by the call. */
const poolLength = 256 * idLength

const makeSecure = (): (() => EntryId) => {
  const pool = new Uint8Array(poolLength)
  let at = poolLength
  return () => {
    if (at === poolLength) {
      globalThis.crypto.getRandomValues(pool)
      at = 0
    }
    let id = ""
    for (const end = at + idLength; at < end; at++) id += hexPairs[pool[at]!]
    return id
  }
}

/**
 * Makes the id of each entry. The default draws from the platform's secure random numbers; a test provides its own to
 * have the same ids on every run.
 *
 * @example
 * ```ts
 * let n = 0
 * const ids = Layer.succeed(EntryIds, () => (++n).toString(16).padStart(32, "0"))
 * ```
 */
export const EntryIds = Context.Reference<() => EntryId>("@millrace/core/EntryIds", {
  defaultValue: makeSecure,
})
