import * as Context from "effect/Context"
import type { EntryId } from "./EventLog.ts"

const idLength = 16

const hexDigits = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))

/** Random bytes are cheap by the kilobyte and dear by the call. */
const poolLength = 256 * idLength

const makeSecure = (): (() => EntryId) => {
  const pool = new Uint8Array(poolLength)
  const codes = new Array<number>(idLength * 2).fill(0)
  let at = poolLength
  return () => {
    if (at === poolLength) {
      globalThis.crypto.getRandomValues(pool)
      at = 0
    }
    for (let index = 0; index < idLength; index++, at++) {
      codes[index * 2] = hexDigits[pool[at]! >> 4]!
      codes[index * 2 + 1] = hexDigits[pool[at]! & 15]!
    }
    // One flat text: what is added up piece by piece is copied when it is first looked up.
    return String.fromCharCode.apply(null, codes)
  }
}

/**
 * Makes the id of each entry. The default draws from the platform's secure random numbers; a test
 * provides its own to have the same ids on every run.
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
